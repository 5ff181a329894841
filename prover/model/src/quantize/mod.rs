//! From the float [`Graph`] to the integer [`Program`]: calibrate, choose scales, lower.
//!
//! | file | what |
//! |---|---|
//! | `analysis` | constants, readers, calibrated ranges |
//! | `scales` | binary scales of tensors, shared scales of functions |
//! | `function` | function tables |
//! | `view`, `form`, `wiring` | values not computed yet: wiring and arithmetic as data |
//! | `builder` | the program under construction |
//! | `lower` | one file a family of operators |
//! | `inputs`, `model` | JSON in real units to integers and back; the result |
//!
//! What out of range means: results of `Linear`, `MatMul` and most arithmetic saturate; norms and products of fine
//! scale are refused by the executor with an error naming op, tensor and value. `headroom` keeps both rare.

mod analysis;
mod builder;
mod error;
mod form;
mod function;
mod inputs;
mod lower;
mod model;
mod scales;
#[cfg(test)]
pub(crate) mod tests;
mod view;
mod wiring;

pub use error::{InputError, QuantizeError};
pub use inputs::{InputSpec, Inputs, input_specs, nest};
pub use model::{Execution, ExecutionError, OutputSpec, Quantized};
pub use scales::QuantizeOptions;

use crate::Graph;
use analysis::Analysis;
use lower::Lowering;

/// Quantizes a float model on calibration inputs (at least one).
///
/// # Errors
/// [`QuantizeError`]: no calibration, an input that the float model refuses, a value that is not finite, a use of an
/// operator that has no integer form, or a program that breaks a static bound of the integer semantics.
pub fn quantize(
    graph: &Graph,
    calibration: &[Inputs],
    options: &QuantizeOptions,
) -> Result<Quantized, QuantizeError> {
    let analysis = Analysis::new(graph, calibration)?;
    let (builder, inputs, outputs) = Lowering::run(graph, &analysis, options)?;
    builder.program.validate()?;
    let output = |&(v, tensor): &(crate::ValueId, _)| OutputSpec {
        name: graph.values[v.0].name.clone(),
        shape: graph.values[v.0].shape.clone(),
        tensor,
    };
    let specs = input_specs(graph);
    let probes = builder.probes.iter().map(|&(t, v)| (t, v.0 as u32));
    Ok(Quantized {
        inputs: specs
            .into_iter()
            .zip(inputs)
            .map(|(spec, (_, id))| (spec, id))
            .collect(),
        outputs: outputs.iter().map(output).collect(),
        probes: probes.collect(),
        program: builder.program,
    })
}
