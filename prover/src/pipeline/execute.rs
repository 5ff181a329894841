//! Running a request on the integer executor, and what came out in the model's own units.

use super::{PipelineError, Prompt, Request};
use crate::bundle::{Bundle, MODEL, TaskSpec};
use halocast_ir::{Trace, Word, pack};
use halocast_model::{Graph, Inputs, nest};
use serde_json::{Value, json};

/// One run.
#[derive(Clone, Debug)]
pub struct Execution {
    /// Every activation.
    pub trace: Trace,
}

/// Runs a request.
pub fn execute(bundle: &Bundle, request: &Request) -> Result<Execution, PipelineError> {
    let program = bundle.program();
    let trace = match bundle.manifest().task {
        TaskSpec::Infer => {
            let ids = program.inputs.iter().copied();
            let given: Vec<_> = ids.zip(request.values.iter().cloned()).collect();
            halocast_ir::execute(program, &given)?
        }
        TaskSpec::Generate { .. } => {
            let Prompt {
                tokens,
                answer_length,
            } = request.prompt()?;
            let tokens: Vec<u32> = tokens.iter().map(|t| t.unsigned_abs()).collect();
            halocast_model::generate(program, &tokens, answer_length)?.trace
        }
    };
    Ok(Execution { trace })
}

impl Execution {
    /// The packed public output words.
    pub fn output_words(&self, bundle: &Bundle) -> Vec<Word> {
        pack(&self.trace.concat(&bundle.program().outputs))
    }

    /// `{"outputs": …, "integers": …, "float_reference": …}`, for a generating model with `"answer": {"prompt", "tokens",
    /// "text"}`. `input` is the user's, which the float model runs on.
    pub fn to_json(
        &self,
        bundle: &Bundle,
        request: &Request,
        input: &Value,
    ) -> Result<Value, PipelineError> {
        match bundle.manifest().task {
            TaskSpec::Infer => self.infer_json(bundle, input),
            TaskSpec::Generate { .. } => self.generate_json(bundle, request),
        }
    }

    fn infer_json(&self, bundle: &Bundle, input: &Value) -> Result<Value, PipelineError> {
        let quantized = bundle.quantized();
        let mut json = quantized.outputs_json(&self.trace);
        let graph = halocast_model::import_onnx(&bundle.path(MODEL))?;
        let inputs = Inputs::from_json(&quantized.input_specs(), input)?;
        let reference = graph.run_outputs(&inputs.0)?;
        let named = quantized
            .outputs
            .iter()
            .zip(reference)
            .map(|(spec, values)| {
                let values = values.into_iter().map(Value::from).collect();
                (spec.name.clone(), nest(&spec.shape, values))
            });
        json["float_reference"] = Value::Object(named.collect());
        Ok(json)
    }

    fn generate_json(&self, bundle: &Bundle, request: &Request) -> Result<Value, PipelineError> {
        let answer: Vec<i32> = self.trace.concat(&bundle.program().outputs);
        let prompt = request.prompt()?;
        let from = prompt.tokens.len();
        let tokens = &answer[from..from + prompt.answer_length];
        let graph = halocast_model::import_onnx(&bundle.path(MODEL))?;
        let float = float_answer(&graph, &prompt, answer.len())?;
        Ok(json!({
            "outputs": {"answer": answer},
            "integers": {"answer": answer},
            "float_reference": {"answer": float},
            "answer": {
                "prompt": text(&prompt.tokens),
                "tokens": tokens,
                "text": text(tokens),
            },
        }))
    }
}

/// Greedy decoding with the float model, laid out as the integer answer is.
fn float_answer(graph: &Graph, prompt: &Prompt, seq_len: usize) -> Result<Vec<i32>, PipelineError> {
    let mut sequence: Vec<f32> = prompt.tokens.iter().map(|&t| t as f32).collect();
    let mut answer = vec![0; seq_len];
    for _ in 0..prompt.answer_length {
        let at = sequence.len() - 1;
        let mut padded = sequence.clone();
        padded.resize(seq_len, 0.0);
        let outputs = graph.run_outputs(&[padded])?;
        let logits = outputs.first().map_or(&[][..], Vec::as_slice);
        let row = logits
            .chunks((logits.len() / seq_len).max(1))
            .nth(at)
            .unwrap_or_default();
        let best = (0..row.len())
            .rev()
            .max_by(|&a, &b| row[a].total_cmp(&row[b]));
        let token = best.unwrap_or(0);
        answer[at + 1] = token as i32;
        sequence.push(token as f32);
    }
    Ok(answer)
}

/// Tokens of a byte-level model as text; anything that is no byte is shown as U+FFFD.
pub fn text(tokens: &[i32]) -> String {
    let bytes: Vec<u8> = tokens
        .iter()
        .map(|&t| u8::try_from(t).unwrap_or(0xff))
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
