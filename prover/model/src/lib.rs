//! ONNX in, integer program out. `import` reads a model into a float [`Graph`], `quantize` calibrates it and lowers
//! it to a [`halocast_ir::Program`], `fidelity` says how far the two are apart.

mod fidelity;
mod generate;
mod graph;
mod import;
mod quantize;
mod reference;
mod tensor;
mod unary;

pub use fidelity::{
    Agreement, Continuations, FidelityError, FidelityReport, LanguageFidelity, LanguageSamples,
    OutputFidelity, Ranking, ValueFidelity, embedding_fidelity, fidelity,
};
pub use generate::{
    GenerateError, Generation, NotCausal, assign, certify_generation, check_causal,
    check_generation, generate,
};
pub use graph::{Dtype, Graph, GraphOp, Node, Unary, Value, ValueId};
pub use import::{ImportError, MAX_ELEMENTS, import_onnx};
pub use quantize::{
    Execution, ExecutionError, InputError, InputSpec, Inputs, OutputSpec, QuantizeError,
    QuantizeOptions, Quantized, input_specs, nest, quantize,
};
pub use reference::RunError;
pub use unary::eval_chain;
