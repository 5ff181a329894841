//! Tests of the aggregation; `layer.rs` is a small stand-in for the layer circuit.

mod cells;
mod fold;
mod forecast;
mod forger;
mod items;
mod layer;
mod links;
mod measure;
mod statement;
mod whole;
