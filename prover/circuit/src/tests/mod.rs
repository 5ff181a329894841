//! Tests of gates and gadgets: complete against the executor, and by lies.

mod checker;
mod lies;
mod ops;
mod proofs;
