//! The layer circuit: one constraint system for every segment of every model.

mod builder;
mod circuit;
mod error;
mod field;
mod gadgets;
mod gates;
mod layout;
mod partition;
mod poseidon;
mod proof;
mod segment;
#[cfg(test)]
mod tests;

pub use error::CircuitError;
pub use partition::{
    LAYER_POINTS, MAX_K, MIN_K, Plan, Price, SegmentPolicy, SegmentReport, SpanSize,
    check_partition, cut_at, partition, plan, report,
};
pub use poseidon::{boundary_commitment, hash, words};
pub use proof::{
    LAYER_INSTANCES, LayerKey, LayerProof, LayerProvingKey, boundary_instances, point_count,
    proof_len, prove, verify,
};
pub use segment::Segment;
