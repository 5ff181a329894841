//! Tests of gates and gadgets: complete against the executor, and by lies.

pub(crate) mod checker;
mod constraints;
mod fixed;
mod forger;
mod lies;
mod onnx;
mod ops;
mod phase1;
mod products;
mod proofs;
mod random;
mod selectors;
mod sources;
mod splices;
