//! Lowered operators against the float reference, the shape of lowered programs, inputs and outputs.

pub(crate) mod net;

mod inputs;
mod operators;
mod programs;
