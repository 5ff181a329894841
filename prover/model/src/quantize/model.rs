//! The quantized model: program, declared inputs and outputs, and the way between real units and integers.

use halocast_ir::{ACT_MAX, ACT_MIN, ExecError, Program, TensorId, Trace, execute};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::error::InputError;
use super::function::exp2;
use super::inputs::{InputSpec, Inputs, check_mask, nest};

/// A model output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputSpec {
    /// Its ONNX name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The tensor of the program.
    pub tensor: TensorId,
}

/// A quantized model. Scales of inputs and outputs are those of their tensors: integer = real · 2^scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantized {
    /// The integer program (`Task::Infer`).
    pub program: Program,
    /// Model inputs in ONNX order, with their tensors.
    pub inputs: Vec<(InputSpec, TensorId)>,
    /// Model outputs in ONNX order.
    pub outputs: Vec<OutputSpec>,
    /// Which tensor holds which value of the float graph (by index), element for element; for the fidelity report.
    pub probes: Vec<(TensorId, u32)>,
}

/// One run of a quantized model.
#[derive(Clone, Debug)]
pub struct Execution {
    /// The integers given to the executor.
    pub given: Vec<(TensorId, Vec<i32>)>,
    /// Every activation.
    pub trace: Trace,
}

/// Why a run did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecutionError {
    /// The input does not fit.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The integer semantics refuse it.
    #[error(transparent)]
    Exec(#[from] ExecError),
}

impl Quantized {
    /// The declared inputs.
    pub fn input_specs(&self) -> Vec<InputSpec> {
        self.inputs.iter().map(|(spec, _)| spec.clone()).collect()
    }

    /// Real inputs as integers: `round(x · 2^scale)`, halves away from zero; token ids as they are.
    ///
    /// # Errors
    /// [`InputError::Range`] names the tensor, the value and what its scale can represent.
    pub fn integers(&self, inputs: &Inputs) -> Result<Vec<(TensorId, Vec<i32>)>, InputError> {
        let mut given = Vec::new();
        for ((spec, id), values) in self.inputs.iter().zip(&inputs.0) {
            if spec.mask {
                check_mask(&spec.name, values)?;
            }
            let unit = exp2(i32::from(self.program.tensor(*id).scale.0));
            let convert = |(index, &x): (usize, &f32)| {
                let y = (f64::from(x) * unit).round();
                // Written so that NaN is refused.
                if !(y >= ACT_MIN as f64 && y <= ACT_MAX as f64) {
                    return Err(InputError::Range {
                        name: spec.name.clone(),
                        index,
                        found: f64::from(x),
                        low: ACT_MIN as f64 / unit,
                        high: ACT_MAX as f64 / unit,
                    });
                }
                Ok(y as i32)
            };
            let values: Result<Vec<i32>, _> = values.iter().enumerate().map(convert).collect();
            given.push((*id, values?));
        }
        Ok(given)
    }

    /// Runs the integer executor on real inputs.
    pub fn run(&self, inputs: &Inputs) -> Result<Execution, ExecutionError> {
        let given = self.integers(inputs)?;
        let trace = execute(&self.program, &given)?;
        Ok(Execution { given, trace })
    }

    /// A tensor of a trace in real units.
    pub fn reals(&self, trace: &Trace, id: TensorId) -> Vec<f64> {
        let unit = exp2(-i32::from(self.program.tensor(id).scale.0));
        trace.get(id).iter().map(|&v| f64::from(v) * unit).collect()
    }

    /// `{"outputs": {name: nested reals}, "integers": {name: nested integers}}`.
    pub fn outputs_json(&self, trace: &Trace) -> Json {
        let mut reals = Map::new();
        let mut integers = Map::new();
        for output in &self.outputs {
            let real = self.reals(trace, output.tensor);
            let real = real.into_iter().map(Json::from).collect();
            let whole = trace.get(output.tensor).iter().map(|&v| Json::from(v));
            reals.insert(output.name.clone(), nest(&output.shape, real));
            integers.insert(output.name.clone(), nest(&output.shape, whole.collect()));
        }
        json!({ "outputs": reals, "integers": integers })
    }
}
