//! The fidelity report: how far the integer program is from the float model, measured, not proven.
//!
//! | file | what |
//! |---|---|
//! | `metrics` | cosine, errors, arg-max agreement over many tensors |
//! | `language` | bits per token and greedy continuations of language models |
//! | `ranking` | what embeddings are for: which text is nearest to which |
//! | `report`, `plots` | the report, its Markdown and its pictures |

mod language;
mod metrics;
mod plots;
mod ranking;
mod report;
#[cfg(test)]
mod tests;

pub use language::{Continuations, LanguageFidelity, LanguageSamples};
pub use metrics::Agreement;
pub use ranking::Ranking;
pub use report::{FidelityReport, OutputFidelity, ValueFidelity};

use std::collections::BTreeMap;

use halocast_ir::{ClampBits, Form, Op, OpKind, TensorId, Trace};

use metrics::Tally;

use crate::{ExecutionError, Graph, Inputs, Quantized, RunError};

/// Why there is no report, or why it is not good enough.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FidelityError {
    /// There is nothing to compare on.
    #[error("no samples to measure fidelity on")]
    NoSamples,
    /// The float model refused a sample.
    #[error("sample {sample}: the float model: {source}")]
    Float {
        /// Index of the sample.
        sample: usize,
        /// Why.
        source: RunError,
    },
    /// The integer model refused a sample.
    #[error("sample {sample}: the integer model: {source}")]
    Integer {
        /// Index of the sample.
        sample: usize,
        /// Why.
        source: ExecutionError,
    },
    /// Language samples for a model that maps no `[1, T]` tokens to `[1, T, vocab]` logits.
    #[error("language samples need one [1, T] token input and one [1, T, vocab] output: {what}")]
    NotLanguage {
        /// What is found.
        what: String,
    },
    /// Another number of groups than of samples.
    #[error("{groups} groups for {samples} samples")]
    Groups {
        /// Groups given.
        groups: usize,
        /// Samples given.
        samples: usize,
    },
    /// A picture that could not be drawn.
    #[error("plot {name}: {what}")]
    Plot {
        /// The picture.
        name: String,
        /// The library's reason.
        what: String,
    },
    /// An output of a sample is less like the float model's than demanded.
    #[error(
        "output {output}: cosine {found:.6} to the float model on the worst sample, at least {expected} is demanded"
    )]
    Cosine {
        /// The output.
        output: String,
        /// The threshold.
        expected: f64,
        /// The cosine measured.
        found: f64,
    },
}

/// Compares a quantized model with the float model it comes from, on at least one sample.
///
/// # Errors
/// No samples, or a sample that either model refuses.
pub fn fidelity(
    graph: &Graph,
    quantized: &Quantized,
    samples: &[Inputs],
    language: Option<&LanguageSamples>,
) -> Result<FidelityReport, FidelityError> {
    let run = compare(graph, quantized, samples)?;
    let language = language
        .map(|l| language::measure(graph, quantized, l))
        .transpose()?;
    Ok(run.report(samples.len(), language, None))
}

/// [`fidelity`] of a model whose first output embeds a text: also which samples are nearest to each other. Samples of
/// one group say the same in other words; `groups` has one name a sample.
///
/// # Errors
/// As [`fidelity`], and another number of groups than of samples.
pub fn embedding_fidelity(
    graph: &Graph,
    quantized: &Quantized,
    samples: &[Inputs],
    groups: &[String],
) -> Result<FidelityReport, FidelityError> {
    if groups.len() != samples.len() {
        let (groups, samples) = (groups.len(), samples.len());
        return Err(FidelityError::Groups { groups, samples });
    }
    let run = compare(graph, quantized, samples)?;
    let ranking = Ranking::new(groups, &run.first_outputs);
    Ok(run.report(samples.len(), None, Some(ranking)))
}

fn compare<'a>(
    graph: &'a Graph,
    quantized: &'a Quantized,
    samples: &[Inputs],
) -> Result<Comparison<'a>, FidelityError> {
    if samples.is_empty() {
        return Err(FidelityError::NoSamples);
    }
    let mut run = Comparison::new(graph, quantized);
    for (sample, inputs) in samples.iter().enumerate() {
        run.sample(sample, inputs)?;
    }
    Ok(run)
}

/// Accumulates over samples.
struct Comparison<'a> {
    graph: &'a Graph,
    quantized: &'a Quantized,
    outputs: Vec<Tally>,
    values: Vec<Tally>,
    /// First output of every sample, float and integer.
    first_outputs: Vec<[Vec<f64>; 2]>,
    /// Clamped elements of each tensor.
    saturated: Vec<usize>,
    /// The op that writes each tensor.
    writers: BTreeMap<TensorId, &'a Op>,
}

impl<'a> Comparison<'a> {
    fn new(graph: &'a Graph, quantized: &'a Quantized) -> Self {
        let program = &quantized.program;
        let writers = program
            .ops
            .iter()
            .filter_map(|op| Some((op.kind.writes()?, op)));
        let row = |shape: &[usize]| shape.last().copied().unwrap_or(1);
        let outputs = quantized.outputs.iter().map(|o| Tally::new(row(&o.shape)));
        let value = |&(_, v): &(TensorId, u32)| Tally::new(row(&graph.values[v as usize].shape));
        Comparison {
            graph,
            quantized,
            outputs: outputs.collect(),
            values: quantized.probes.iter().map(value).collect(),
            first_outputs: Vec::new(),
            saturated: vec![0; program.tensors.len()],
            writers: writers.collect(),
        }
    }

    fn sample(&mut self, sample: usize, inputs: &Inputs) -> Result<(), FidelityError> {
        let float = self.graph.run(&inputs.0);
        let float = float.map_err(|source| FidelityError::Float { sample, source })?;
        let run = self.quantized.run(inputs);
        let trace = run
            .map_err(|source| FidelityError::Integer { sample, source })?
            .trace;
        let pairs = self.graph.outputs.iter().zip(&self.quantized.outputs);
        if let Some((v, output)) = pairs.clone().next() {
            let float = float[v.0].iter().map(|&x| f64::from(x)).collect();
            let integer = self.quantized.reals(&trace, output.tensor);
            self.first_outputs.push([float, integer]);
        }
        for ((v, output), tally) in pairs.zip(&mut self.outputs) {
            tally.add(&float[v.0], &self.quantized.reals(&trace, output.tensor));
        }
        for ((tensor, v), tally) in self.quantized.probes.iter().zip(&mut self.values) {
            tally.add(&float[*v as usize], &self.quantized.reals(&trace, *tensor));
        }
        self.count_saturated(&trace);
        Ok(())
    }

    fn count_saturated(&mut self, trace: &Trace) {
        for (id, op) in &self.writers {
            let Some(bits) = clamp(&op.kind) else {
                continue;
            };
            let half = 1i32 << (bits.bits() - 1);
            let at_end = |&&v: &&i32| v == -half || v == half - 1;
            self.saturated[id.0 as usize] += trace.get(*id).iter().filter(at_end).count();
        }
    }

    fn report(
        self,
        samples: usize,
        language: Option<LanguageFidelity>,
        ranking: Option<Ranking>,
    ) -> FidelityReport {
        let program = &self.quantized.program;
        let outputs = self.quantized.outputs.iter().zip(self.outputs);
        let values = self.quantized.probes.iter().zip(self.values);
        let mut ops = BTreeMap::new();
        for op in &program.ops {
            *ops.entry(op.kind.label().to_owned()).or_insert(0) += 1;
        }
        let value = |(&(id, v), tally): (&(TensorId, u32), Tally)| ValueFidelity {
            value: self.graph.values[v as usize].name.clone(),
            tensor: program.tensor(id).name.clone(),
            op: self
                .writers
                .get(&id)
                .map_or("input", |op| op.kind.label())
                .to_owned(),
            scale: program.tensor(id).scale.0,
            saturated: self.saturated[id.0 as usize],
            agreement: tally.finish(),
        };
        FidelityReport {
            samples,
            ops,
            tables: program.tables.iter().map(|t| t.name.clone()).collect(),
            outputs: outputs
                .map(|(o, tally)| OutputFidelity {
                    name: o.name.clone(),
                    agreement: tally.finish(),
                    sample_cosines: tally.cosines().to_vec(),
                })
                .collect(),
            values: values.map(value).collect(),
            language,
            ranking,
        }
    }
}

/// Where an op saturates, if it does.
fn clamp(kind: &OpKind) -> Option<ClampBits> {
    match kind {
        OpKind::Linear { bits, .. } | OpKind::MatMul { bits, .. } => Some(*bits),
        OpKind::Elementwise {
            form: Form::Narrow(bits),
            ..
        } => Some(*bits),
        _ => None,
    }
}
