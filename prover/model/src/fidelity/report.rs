//! The report as data (JSON through serde) and as Markdown.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::{Agreement, FidelityError, LanguageFidelity, Ranking};

/// One model output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputFidelity {
    /// Its name.
    pub name: String,
    /// Against the float model.
    pub agreement: Agreement,
    /// The cosine of every sample.
    pub sample_cosines: Vec<f64>,
}

/// One tensor of the program that stands for a value of the float model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueFidelity {
    /// Name of the float value.
    pub value: String,
    /// Name of the tensor.
    pub tensor: String,
    /// Operator that writes it.
    pub op: String,
    /// Binary scale.
    pub scale: i8,
    /// Elements at an end of the clamp, over all samples.
    pub saturated: usize,
    /// Against the float model.
    pub agreement: Agreement,
}

/// How far a quantized model is from its float model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FidelityReport {
    /// Samples compared.
    pub samples: usize,
    /// Number of ops of each kind.
    pub ops: BTreeMap<String, usize>,
    /// Names of the function tables.
    pub tables: Vec<String>,
    /// Every output.
    pub outputs: Vec<OutputFidelity>,
    /// Every value that has a tensor, in order of computation.
    pub values: Vec<ValueFidelity>,
    /// For language models.
    pub language: Option<LanguageFidelity>,
    /// For models whose first output is an embedding of a text, where the samples are grouped.
    pub ranking: Option<Ranking>,
}

impl FidelityReport {
    /// Demands a cosine of every output of every sample.
    ///
    /// # Errors
    /// [`FidelityError::Cosine`] names the first output below the threshold.
    pub fn require_cosine(&self, min_cosine: f64) -> Result<(), FidelityError> {
        let low = |o: &&OutputFidelity| {
            let reached = o.agreement.worst_cosine >= min_cosine;
            !reached // also for NaN
        };
        match self.outputs.iter().find(low) {
            None => Ok(()),
            Some(o) => Err(FidelityError::Cosine {
                output: o.name.clone(),
                expected: min_cosine,
                found: o.agreement.worst_cosine,
            }),
        }
    }

    /// The report for people.
    pub fn to_markdown(&self) -> String {
        let mut out = format!(
            "# Fidelity report\n\nInteger program against the float model, {} samples.\n\n",
            self.samples
        );
        self.outputs_table(&mut out);
        if let Some(language) = &self.language {
            language_section(language, &mut out);
        }
        if let Some(ranking) = &self.ranking {
            ranking.section(&mut out);
        }
        self.program_section(&mut out);
        self.values_table(&mut out);
        out
    }

    fn outputs_table(&self, out: &mut String) {
        out.push_str("## Outputs\n\n| output | cosine | worst sample | max error | mean error | relative error | top-1 |\n|---|---|---|---|---|---|---|\n");
        for o in &self.outputs {
            let a = &o.agreement;
            let _ = writeln!(
                out,
                "| {} | {:.6} | {:.6} | {:.5} | {:.5} | {:.5} | {:.2} % |",
                cell(&o.name),
                a.cosine,
                a.worst_cosine,
                a.max_error,
                a.mean_error,
                a.relative_error,
                100.0 * a.top1
            );
        }
    }

    fn program_section(&self, out: &mut String) {
        let ops: Vec<String> = self.ops.iter().map(|(k, n)| format!("{k} {n}")).collect();
        let _ = writeln!(
            out,
            "\n## Program\n\nOps: {}. Function tables: {}.\n",
            ops.join(", "),
            self.tables.len()
        );
        for table in &self.tables {
            let _ = writeln!(out, "* `{table}`");
        }
        let saturated: usize = self.values.iter().map(|v| v.saturated).sum();
        let _ = writeln!(out, "\nSaturated elements over all samples: {saturated}.");
    }

    fn values_table(&self, out: &mut String) {
        out.push_str("\n## Values\n\n| value | op | scale | max | max error | relative error | 1e-6 … 1 | saturated |\n|---|---|---|---|---|---|---|---|\n");
        for v in &self.values {
            let a = &v.agreement;
            let _ = writeln!(
                out,
                "| {} | {} | {} | {:.4} | {:.5} | {:.5} | {} | {} |",
                cell(&v.value),
                v.op,
                v.scale,
                a.max_value,
                a.max_error,
                a.relative_error,
                bar(a.relative_error),
                v.saturated
            );
        }
    }
}

fn language_section(l: &LanguageFidelity, out: &mut String) {
    let c = &l.continuations;
    let _ = writeln!(
        out,
        "\n## Language\n\n| | float | integer | change |\n|---|---|---|---|\n\
         | bits per token | {:.5} | {:.5} | {:+.5} |\n| perplexity | {:.4} | {:.4} | {:+.4} |\n\n\
         {} predicted tokens. Greedy continuations: {} of {} identical ({:.1} %), {} of {} tokens before a difference.",
        l.float_bits_per_token,
        l.integer_bits_per_token,
        l.integer_bits_per_token - l.float_bits_per_token,
        l.float_perplexity(),
        l.integer_perplexity(),
        l.integer_perplexity() - l.float_perplexity(),
        l.tokens,
        c.identical,
        c.prompts,
        100.0 * c.agreement(),
        c.same_tokens,
        c.tokens,
    );
}

/// A relative error on a logarithmic axis, two cells a decade.
fn bar(error: f64) -> String {
    let decades = error.log10() + 6.0; // −∞ for 0, which `as` makes 0
    "█".repeat((2.0 * decades).round().clamp(0.0, 12.0) as usize)
}

/// Text that cannot break a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
