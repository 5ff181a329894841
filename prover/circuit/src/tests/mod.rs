//! Tests of gates and gadgets: complete against the executor, and by lies.

pub(crate) mod checker;
mod lies;
mod ops;
mod phase1;
mod products;
mod proofs;
mod sources;
mod splices;
