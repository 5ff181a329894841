//! What the demo asks and what it reads back: the part that differs between models. A language model answers a prompt; an
//! embedding model's contract compares two texts.

use crate::chain_args::DemoArgs;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::{SolCall, SolConstructor};
use eyre::{OptionExt, WrapErr};
use halocast_prover::bundle::{Manifest, TaskSpec};
use halocast_prover::ir::{self, Word};
use serde::{Deserialize, Serialize};
use std::path::Path;

#[allow(missing_docs, unreachable_pub, clippy::all)]
mod ask_abi {
    alloy::sol!(
        #[derive(Debug)]
        AskTinyGemma,
        "../contracts/abi/AskTinyGemma.json"
    );
}
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod compare_abi {
    alloy::sol!(
        #[derive(Debug)]
        CompareTexts,
        "../contracts/abi/CompareTexts.json"
    );
}
use ask_abi::AskTinyGemma;
use compare_abi::CompareTexts;

/// What the float model makes of some inputs, beside the model.
const REFERENCE: &str = "reference.json";

/// Whether a directory holds an embedding model: there are embeddings in its reference. A language model has logits there, or
/// no reference.
pub(super) fn embeds(model: &Path) -> eyre::Result<bool> {
    let path = model.join(REFERENCE);
    if !path.is_file() {
        return Ok(false);
    }
    let shown = || path.display().to_string();
    let bytes = std::fs::read(&path).wrap_err_with(shown)?;
    let lines: serde_json::Value = serde_json::from_slice(&bytes).wrap_err_with(shown)?;
    Ok(lines[0].get("embedding").is_some())
}

/// What came of it. Field names are stable.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    Text {
        prompt: String,
        text: String,
        tokens: Vec<i32>,
    },
    Comparison {
        first: String,
        second: String,
        /// Of the stored embeddings.
        cosine: f64,
        /// Of the floating-point model's.
        reference_cosine: f64,
        threshold_bps: u16,
        /// What the contract found.
        similar: bool,
    },
}

/// A question for a contract.
pub(super) enum Scene {
    Prompt {
        prompt: String,
        tokens: usize,
        sequence_length: usize,
    },
    Texts {
        texts: [Text; 2],
        threshold_bps: u16,
    },
}

/// A line of [`REFERENCE`].
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Text {
    text: String,
    inputs: Inputs,
    embedding: Vec<f64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Inputs {
    input_ids: Vec<Vec<u16>>,
    attention_mask: Vec<Vec<u8>>,
}

impl Scene {
    pub(super) fn new(args: &DemoArgs, model: &Path, manifest: &Manifest) -> eyre::Result<Self> {
        match manifest.task {
            TaskSpec::Generate {
                sequence_length, ..
            } => Ok(Scene::Prompt {
                prompt: args.prompt.clone(),
                tokens: args.tokens,
                sequence_length,
            }),
            TaskSpec::Infer => Ok(Scene::Texts {
                texts: texts(&model.join(REFERENCE), args.texts.as_deref())?,
                threshold_bps: args.threshold_bps,
            }),
        }
    }

    /// The question, for people.
    pub(super) fn title(&self) -> String {
        match self {
            Scene::Prompt { prompt, .. } => format!("{prompt:?}"),
            Scene::Texts {
                texts: [a, b],
                threshold_bps,
            } => format!(
                "is the cosine of {:?} and {:?} at least {}?",
                a.text,
                b.text,
                f64::from(*threshold_bps) / 1e4
            ),
        }
    }

    /// The asking contract: code and arguments.
    pub(super) fn creation_code(&self, oracle: Address, model_id: B256) -> Vec<u8> {
        match self {
            Scene::Prompt {
                sequence_length, ..
            } => {
                let arguments = AskTinyGemma::constructorCall {
                    oracle_: oracle,
                    modelId_: model_id,
                    sequenceLength_: U256::from(*sequence_length),
                };
                [&AskTinyGemma::BYTECODE[..], &arguments.abi_encode()].concat()
            }
            Scene::Texts { .. } => {
                let arguments = CompareTexts::constructorCall {
                    oracle_: oracle,
                    modelId_: model_id,
                };
                [&CompareTexts::BYTECODE[..], &arguments.abi_encode()].concat()
            }
        }
    }

    /// The call that asks.
    pub(super) fn ask(&self, deadline: u64) -> Bytes {
        match self {
            Scene::Prompt { prompt, tokens, .. } => AskTinyGemma::askCall {
                prompt: prompt.clone().into_bytes().into(),
                answerLength: U256::from(*tokens),
                deadline,
            }
            .abi_encode()
            .into(),
            Scene::Texts {
                texts: [first, second],
                threshold_bps,
            } => CompareTexts::compareCall {
                first: first.tokens(),
                second: second.tokens(),
                thresholdBps: *threshold_bps,
                deadline,
            }
            .abi_encode()
            .into(),
        }
    }

    /// The view that tells the answer, for the requests that the contract made first.
    pub(super) fn read(&self, requests: &[U256]) -> (Bytes, &'static str) {
        match self {
            Scene::Prompt { .. } => {
                let call = AskTinyGemma::answerOfCall {
                    requestId: requests[0],
                };
                (
                    call.abi_encode().into(),
                    AskTinyGemma::answerOfCall::SIGNATURE,
                )
            }
            Scene::Texts { .. } => {
                let call = CompareTexts::verdictOfCall {
                    comparison: U256::ONE,
                };
                (
                    call.abi_encode().into(),
                    CompareTexts::verdictOfCall::SIGNATURE,
                )
            }
        }
    }

    /// What the view returned, and the words that the oracle stored for each request.
    pub(super) fn answer(&self, returned: &[u8], stored: &[Vec<Word>]) -> eyre::Result<Answer> {
        let words = stored.first().ok_or_eyre("nothing is stored")?;
        match self {
            Scene::Prompt {
                prompt,
                tokens,
                sequence_length,
            } => {
                let text = AskTinyGemma::answerOfCall::abi_decode_returns(returned)
                    .wrap_err("the stored answer")?;
                let values = ir::unpack(words, *sequence_length).ok_or_eyre("the stored words")?;
                let from = prompt.len();
                let answered = values.get(from..from + tokens).unwrap_or_default();
                Ok(Answer::Text {
                    prompt: prompt.clone(),
                    text: String::from_utf8_lossy(&text).into_owned(),
                    tokens: answered.to_vec(),
                })
            }
            Scene::Texts {
                texts: [first, second],
                threshold_bps,
            } => {
                let verdict = CompareTexts::verdictOfCall::abi_decode_returns(returned)
                    .wrap_err("the contract's verdict")?;
                let count = first.embedding.len();
                let vector = |words: &Vec<Word>| ir::unpack(words, count).map(floats);
                let second_words = stored.get(1).ok_or_eyre("one embedding is not stored")?;
                let (a, b) = vector(words)
                    .zip(vector(second_words))
                    .ok_or_eyre("the stored words")?;
                // Pending, Different, Similar.
                eyre::ensure!(verdict != 0, "the contract has not compared yet");
                Ok(Answer::Comparison {
                    first: first.text.clone(),
                    second: second.text.clone(),
                    cosine: cosine(&a, &b),
                    reference_cosine: cosine(&first.embedding, &second.embedding),
                    threshold_bps: *threshold_bps,
                    similar: verdict == 2,
                })
            }
        }
    }
}

impl Text {
    /// Token ids without the padding.
    fn tokens(&self) -> Vec<u16> {
        let ids = self.inputs.input_ids.iter().flatten();
        let mask = self.inputs.attention_mask.iter().flatten();
        ids.zip(mask)
            .filter(|(_, m)| **m == 1)
            .map(|(id, _)| *id)
            .collect()
    }
}

/// The texts asked for, or the first two.
fn texts(path: &Path, wanted: Option<&[String]>) -> eyre::Result<[Text; 2]> {
    let at = || path.display().to_string();
    let bytes = std::fs::read(path).wrap_err_with(at)?;
    let known: Vec<Text> = serde_json::from_slice(&bytes).wrap_err_with(at)?;
    let find = |text: &String| {
        let found = known.iter().find(|t| t.text == *text).cloned();
        found.ok_or_else(|| {
            eyre::eyre!(
                "{text:?} is not among the {} texts of {}, which have their tokens there",
                known.len(),
                at()
            )
        })
    };
    match wanted {
        Some([first, second]) => Ok([find(first)?, find(second)?]),
        _ => match known.as_slice() {
            [first, second, ..] => Ok([first.clone(), second.clone()]),
            _ => eyre::bail!("{}: {} texts, two are needed", at(), known.len()),
        },
    }
}

fn floats(values: Vec<i32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedding_models_are_told_from_language_models() {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
        assert!(models.join("tinygemma").join(REFERENCE).is_file());
        assert!(!embeds(&models.join("tinygemma")).unwrap());
        let dir = std::env::temp_dir().join(format!("halocast-embeds-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        assert!(!embeds(&dir).unwrap());
        let line = r#"[{"text": "a", "embedding": [1.0]}]"#;
        std::fs::write(dir.join(REFERENCE), line).unwrap();
        assert!(embeds(&dir).unwrap());
        std::fs::write(dir.join(REFERENCE), &line[..9]).unwrap();
        let cut = embeds(&dir).unwrap_err();
        assert!(cut.to_string().contains(REFERENCE), "{cut}");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
