//! Requests: a user's JSON, or the packed words of a chain's event, as the integers that a program reads. Whatever is
//! wrong with them is said here, naming tensor, index, value and what is allowed.

use super::PipelineError;
use crate::bundle::{Bundle, TaskSpec, TensorSpec};
use halocast_ir::{Word, pack, unpack};
use halocast_model::{Inputs, Quantized};
use serde_json::Value;

/// The public inputs of one run, one vector for each input tensor in packing order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Values by input tensor.
    pub values: Vec<Vec<i32>>,
}

/// A generation request in its own terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The prompt's tokens.
    pub tokens: Vec<i32>,
    /// How many tokens are wanted.
    pub answer_length: usize,
}

fn bad(tensor: &str, what: impl Into<String>) -> PipelineError {
    PipelineError::Input {
        tensor: tensor.to_owned(),
        what: what.into(),
    }
}

impl Request {
    /// From `{"inputs": {…}}`: for `infer` nested arrays by tensor name, in the model's own units; for `generate`
    /// `{"prompt": "text" or [ids], "n": 12}`.
    pub fn from_json(bundle: &Bundle, json: &Value) -> Result<Self, PipelineError> {
        let inputs = json.get("inputs").and_then(Value::as_object);
        let inputs = inputs.ok_or_else(|| bad("inputs", "expected {\"inputs\": {…}}"))?;
        match bundle.manifest().task {
            TaskSpec::Infer => infer_values(bundle.quantized(), json),
            TaskSpec::Generate {
                sequence_length,
                vocabulary,
            } => prompt_from_json(inputs, vocabulary)?.request(sequence_length, vocabulary),
        }
    }

    /// From packed public words; they must be canonical.
    pub fn from_words(bundle: &Bundle, words: &[Word]) -> Result<Self, PipelineError> {
        let specs = &bundle.manifest().inputs;
        let count = specs.iter().map(TensorSpec::len).sum();
        let flat = unpack(words, count).ok_or_else(|| {
            bad(
                "words",
                format!("{} words that do not pack {count} values", words.len()),
            )
        })?;
        let mut rest = flat.as_slice();
        let mut values = Vec::new();
        for spec in specs {
            let (own, behind) = rest.split_at(spec.len());
            check_integers(spec, own)?;
            values.push(own.to_vec());
            rest = behind;
        }
        check_masks(bundle.quantized(), &values)?;
        let request = Request { values };
        if let TaskSpec::Generate {
            sequence_length,
            vocabulary,
        } = bundle.manifest().task
        {
            // Canonical: what a prompt of this length would have been packed to.
            let again = request.prompt()?.request(sequence_length, vocabulary)?;
            if again != request {
                return Err(bad("prompt", "values behind the prompt's end are not 0"));
            }
        }
        Ok(request)
    }

    /// The packed public words.
    pub fn words(&self) -> Vec<Word> {
        pack(&self.values.concat())
    }

    /// The prompt of a generation request.
    pub fn prompt(&self) -> Result<Prompt, PipelineError> {
        let [p, n, prompt] = self.values.as_slice() else {
            return Err(bad("prompt", "the model's task is not generate"));
        };
        let length = |v: &[i32], name| {
            let first = v.first().copied().unwrap_or(-1);
            usize::try_from(first).map_err(|_| bad(name, format!("{first} is negative")))
        };
        let (p, n) = (length(p, "p")?, length(n, "n")?);
        let tokens = prompt.get(..p).ok_or_else(|| {
            bad(
                "p",
                format!("{p} is over the sequence length {}", prompt.len()),
            )
        })?;
        Ok(Prompt {
            tokens: tokens.to_vec(),
            answer_length: n,
        })
    }
}

impl Prompt {
    /// The public inputs `[p]`, `[n]`, `[prompt…]`, checked.
    pub fn request(&self, seq_len: usize, vocab: usize) -> Result<Request, PipelineError> {
        let (p, n) = (self.tokens.len(), self.answer_length);
        if p == 0 || p >= seq_len {
            let most = seq_len - 1;
            return Err(bad("prompt", format!("{p} tokens, expected 1 to {most}")));
        }
        if n == 0 || n > seq_len - p {
            let most = seq_len - p;
            let what = format!(
                "{n} answer tokens, expected 1 to {most} (sequence length {seq_len}, prompt {p})"
            );
            return Err(bad("n", what));
        }
        if let Some((i, id)) = out_of(&self.tokens, 0, vocab as i64 - 1) {
            let what = format!("token id {id} at position {i} is outside 0..={}", vocab - 1);
            return Err(bad("prompt", what));
        }
        let mut padded = self.tokens.clone();
        padded.resize(seq_len, 0);
        Ok(Request {
            values: vec![vec![p as i32], vec![n as i32], padded],
        })
    }
}

/// Sizes of a vocabulary in which byte b is token b: all bytes, and perhaps some special tokens behind them.
const BYTE_VOCABULARY: std::ops::RangeInclusive<usize> = 256..=300;

fn prompt_from_json(
    inputs: &serde_json::Map<String, Value>,
    vocab: usize,
) -> Result<Prompt, PipelineError> {
    if let Some(other) = inputs.keys().find(|k| *k != "prompt" && *k != "n") {
        return Err(bad(
            other,
            "the model generates: its inputs are \"prompt\" and \"n\"",
        ));
    }
    let n = inputs.get("n").and_then(Value::as_u64);
    let n = n.ok_or_else(|| bad("n", "expected a whole number: how many tokens to answer"))?;
    let tokens = match inputs.get("prompt") {
        Some(Value::String(text)) if BYTE_VOCABULARY.contains(&vocab) => {
            text.bytes().map(i32::from).collect()
        }
        Some(Value::String(_)) => {
            let what =
                format!("text needs a byte vocabulary, this model has {vocab} tokens; give ids");
            return Err(bad("prompt", what));
        }
        Some(Value::Array(ids)) => ids
            .iter()
            .enumerate()
            .map(|(i, v)| integer("prompt", i, v))
            .collect::<Result<_, _>>()?,
        _ => return Err(bad("prompt", "expected text or a list of token ids")),
    };
    Ok(Prompt {
        tokens,
        answer_length: n as usize,
    })
}

fn infer_values(quantized: &Quantized, json: &Value) -> Result<Request, PipelineError> {
    let inputs = Inputs::from_json(&quantized.input_specs(), json)?;
    let given = quantized.integers(&inputs)?;
    Ok(Request {
        values: given.into_iter().map(|(_, values)| values).collect(),
    })
}

fn integer(name: &str, index: usize, value: &Value) -> Result<i32, PipelineError> {
    value
        .as_i64()
        .or_else(|| {
            let float = value.as_f64()?;
            (float.fract() == 0.0 && float.abs() < 1e9).then_some(float as i64)
        })
        .and_then(|v| i32::try_from(v).ok())
        .ok_or_else(|| bad(name, format!("[{index}] = {value} is no token id")))
}

fn check_integers(spec: &TensorSpec, values: &[i32]) -> Result<(), PipelineError> {
    match out_of(values, spec.min, spec.max) {
        None => Ok(()),
        Some((i, v)) => Err(bad(
            &spec.name,
            format!("[{i}] = {v} is outside {}..={}", spec.min, spec.max),
        )),
    }
}

/// A padding mask leaves at least one position (that it holds zeros and ones only is its range).
fn check_masks(quantized: &Quantized, values: &[Vec<i32>]) -> Result<(), PipelineError> {
    for ((spec, _), values) in quantized.inputs.iter().zip(values) {
        if spec.mask && values.iter().all(|&m| m == 0) {
            return Err(bad(&spec.name, "the padding mask is 0 everywhere"));
        }
    }
    Ok(())
}

/// The first value outside a range.
fn out_of(values: &[i32], min: i64, max: i64) -> Option<(usize, i32)> {
    let outside = |v: &i32| i64::from(*v) < min || i64::from(*v) > max;
    let index = values.iter().position(outside)?;
    Some((index, values[index]))
}
