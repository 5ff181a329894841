#![doc = include_str!("../README.md")]

pub mod aggregate;
pub mod bundle;
pub mod costs;
pub mod pipeline;
pub mod poseidon;
pub mod srs;

pub use halocast_circuit as circuit;
pub use halocast_ir as ir;
pub use halocast_model as model;
