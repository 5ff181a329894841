//! What a program says of itself in the manifest. Written there for people and chains; whoever opens a bundle compares.

use super::manifest::{TaskSpec, TensorSpec, words_of};
use halocast_ir::{ACT_MAX, ACT_MIN, Program, Task, TensorId};
use halocast_model::Quantized;

/// The public interface of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// What is stated.
    pub task: TaskSpec,
    /// Public inputs in packing order.
    pub inputs: Vec<TensorSpec>,
    /// Public outputs in packing order.
    pub outputs: Vec<TensorSpec>,
    /// Number of public input words.
    pub input_words: usize,
    /// Number of public output words.
    pub output_words: usize,
}

impl Interface {
    /// Of a quantized model.
    pub fn of(quantized: &Quantized) -> Self {
        let program = &quantized.program;
        let outputs = program.outputs.iter();
        Interface {
            task: match program.task {
                Task::Infer => TaskSpec::Infer,
                Task::Generate { seq_len, vocab, .. } => TaskSpec::Generate {
                    sequence_length: seq_len,
                    vocabulary: vocab,
                },
            },
            inputs: input_specs(quantized),
            outputs: outputs.map(|&id| output_spec(quantized, id)).collect(),
            input_words: words_of(program, &program.inputs),
            output_words: words_of(program, &program.outputs),
        }
    }
}

fn input_specs(quantized: &Quantized) -> Vec<TensorSpec> {
    let program = &quantized.program;
    let one = |&id: &TensorId| {
        let declared = quantized.inputs.iter().find(|(_, tensor)| *tensor == id);
        match (&program.task, declared) {
            (Task::Infer, Some((spec, _))) => {
                let max = spec.vocab.map(|n| n as i64 - 1);
                let mut out = tensor_spec(program, id, &spec.name, &spec.shape);
                if let Some(max) = max {
                    (out.dtype, out.min, out.max) = ("int".into(), 0, max);
                }
                out
            }
            (Task::Generate { vocab, seq_len, .. }, _) => {
                let tensor = program.tensor(id);
                let mut out = tensor_spec(program, id, &tensor.name, &tensor.shape);
                let max = vocab.max(seq_len) - usize::from(vocab > seq_len);
                (out.dtype, out.min, out.max) = ("int".into(), 0, max as i64);
                out
            }
            _ => {
                let tensor = program.tensor(id);
                tensor_spec(program, id, &tensor.name, &tensor.shape)
            }
        }
    };
    program.inputs.iter().map(one).collect()
}

fn output_spec(quantized: &Quantized, id: TensorId) -> TensorSpec {
    let program = &quantized.program;
    if let Task::Generate { vocab, .. } = program.task {
        let tensor = program.tensor(id);
        let mut out = tensor_spec(program, id, &tensor.name, &tensor.shape);
        (out.dtype, out.min, out.max) = ("int".into(), 0, vocab as i64 - 1);
        return out;
    }
    let declared = quantized.outputs.iter().find(|o| o.tensor == id);
    match declared {
        Some(spec) => tensor_spec(program, id, &spec.name, &spec.shape),
        None => {
            let tensor = program.tensor(id);
            tensor_spec(program, id, &tensor.name, &tensor.shape)
        }
    }
}

fn tensor_spec(program: &Program, id: TensorId, name: &str, shape: &[usize]) -> TensorSpec {
    TensorSpec {
        name: name.to_owned(),
        shape: shape.to_vec(),
        dtype: "float".into(),
        scale: program.tensor(id).scale.0,
        min: ACT_MIN,
        max: ACT_MAX,
    }
}
