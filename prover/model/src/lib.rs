//! ONNX in, integer program out. `import` reads a model into a float [`Graph`], `quantize` calibrates it and lowers
//! it to a [`halocast_ir::Program`], `fidelity` says how far the two are apart.

mod graph;

pub use graph::{Dtype, Graph, GraphOp, Node, Unary, Value, ValueId};
