//! What proving costs on a machine: a few figures, built in or measured there (`halocast calibrate`), and the costs of a
//! partition that follow from them.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | the model and its figures |
//! | `file.rs` | `costs.json` |
//! | `fit.rs` | figures from measurements |
//! | `price.rs` | what a partition costs, layer proofs and aggregation |
//!
//! The measuring itself is [`crate::pipeline::calibrate`]; what circuits are laid out for stays in [`crate::aggregate`].

mod file;
mod fit;
mod price;

pub use file::{COSTS_FORMAT, CostsError, default_costs_file};
pub use fit::{AggregationSample, LayerSample, fit};
pub(crate) use price::rounded;
pub use price::{AggregationCost, PartitionCost, Pricing};

use halocast_circuit::{MAX_K, MIN_K, SpanSize};
use serde::{Deserialize, Serialize};

/// Figures of a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostModel {
    /// Where the figures come from, for people.
    pub origin: String,
    /// Layer proofs.
    pub layer: LayerCosts,
    /// Aggregations and folds.
    pub aggregation: AggregationCosts,
    /// What they were fitted to.
    #[serde(default)]
    pub samples: Vec<LayerSample>,
}

/// Of layer proofs. A domain of n = 2^k rows is paid by n·k, since half of a proof is Fourier transforms; multiplying points
/// costs less where rows are empty, so rows in use add something.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerCosts {
    /// CPU seconds of a proof for every million of n·k.
    pub cpu_s_per_million: f64,
    /// CPU seconds of a proof for every row in use.
    pub cpu_s_per_row: f64,
    /// CPU seconds of a verifying key for every million of n·k.
    pub key_cpu_s_per_million: f64,
    /// Bytes of a prover whatever the domain.
    pub bytes: f64,
    /// Bytes of a prover for every row of the domain.
    pub bytes_per_row: f64,
    /// CPU seconds in a second of wall time.
    pub parallelism: f64,
}

/// Of aggregations, beside what `aggregate::forecast` says of their circuits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AggregationCosts {
    /// CPU seconds of a proof for one of the forecast's.
    pub cpu_scale: f64,
    /// Bytes of a prover for one of the forecast's.
    pub byte_scale: f64,
    /// CPU seconds of the key for one of a proof.
    pub key_share: f64,
    /// CPU seconds in a second of wall time.
    pub parallelism: f64,
}

/// Measured on two cores of an AMD EPYC with AVX-512 IFMA, `target-cpu=native`, 2026-11-30 (docs/benchmarks.md). Without these instructions
/// CPU seconds are twice as many.
impl Default for CostModel {
    fn default() -> Self {
        CostModel {
            origin: "built-in figures (two cores of an AMD EPYC with AVX-512 IFMA)".into(),
            layer: LayerCosts {
                cpu_s_per_million: 1.73,
                cpu_s_per_row: 0.99e-5,
                key_cpu_s_per_million: 0.36,
                bytes: 39e6,
                bytes_per_row: 3_830.0,
                parallelism: 1.65,
            },
            aggregation: AggregationCosts {
                cpu_scale: 0.278,
                byte_scale: 0.957,
                key_share: 0.98,
                parallelism: 1.75,
            },
            samples: vec![],
        }
    }
}

/// n·k of a domain of n = 2^k rows, in millions.
fn millions(k: u32) -> f64 {
    f64::from(k).exp2() * f64::from(k) / 1e6
}

impl LayerCosts {
    /// CPU seconds of a layer proof, proving key included.
    pub fn cpu_s(&self, span: SpanSize) -> f64 {
        self.cpu_s_per_million * millions(span.k) + self.cpu_s_per_row * span.rows as f64
    }

    /// CPU seconds of a layer's verifying key.
    pub fn key_cpu_s(&self, k: u32) -> f64 {
        self.key_cpu_s_per_million * millions(k)
    }

    /// Peak memory of a layer's prover, in bytes.
    pub fn peak_bytes(&self, k: u32) -> u64 {
        (self.bytes + self.bytes_per_row * f64::from(k).exp2()) as u64
    }

    /// The largest domain (log2) whose provers take at most so many bytes; `None` if not even the smallest do.
    pub fn largest_k_within(&self, bytes: u64) -> Option<u32> {
        let fits = |k: &u32| self.peak_bytes(*k) <= bytes;
        (MIN_K..=MAX_K).rev().find(fits)
    }
}

impl CostModel {
    /// Every figure with its name and the smallest that makes sense.
    fn figures(&self) -> [(&'static str, f64, f64); 10] {
        let (layer, aggregation) = (&self.layer, &self.aggregation);
        [
            ("layer.cpu_s_per_million", layer.cpu_s_per_million, 1e-6),
            ("layer.cpu_s_per_row", layer.cpu_s_per_row, 0.0),
            (
                "layer.key_cpu_s_per_million",
                layer.key_cpu_s_per_million,
                0.0,
            ),
            ("layer.bytes", layer.bytes, 0.0),
            ("layer.bytes_per_row", layer.bytes_per_row, 1.0),
            ("layer.parallelism", layer.parallelism, 1e-3),
            ("aggregation.cpu_scale", aggregation.cpu_scale, 1e-6),
            ("aggregation.byte_scale", aggregation.byte_scale, 1e-6),
            ("aggregation.key_share", aggregation.key_share, 0.0),
            ("aggregation.parallelism", aggregation.parallelism, 1e-3),
        ]
    }

    /// The first figure that makes no sense.
    fn nonsense(&self) -> Option<String> {
        let mut figures = self.figures().into_iter();
        let bad = |(_, value, least): &(_, f64, f64)| !(*value >= *least && *value < 1e12);
        let (name, value, least) = figures.find(bad)?;
        Some(format!("{name} is {value}, expected at least {least}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/benchmarks.md: (k, rows, CPU seconds, GiB), each within a tenth (the middle of what was measured).
    #[test]
    fn built_in_figures_are_those_of_the_benchmarks() {
        let layer = CostModel::default().layer;
        for (k, rows, cpu_s, gib) in [
            (17, 1_868, 3.9, 0.50),
            (17, 116_828, 5.0, 0.51),
            (18, 241_628, 10.5, 0.97),
        ] {
            let near = |got: f64, expected: f64| (got / expected - 1.0).abs() < 0.1;
            let got = layer.cpu_s(SpanSize { k, rows });
            assert!(near(got, cpu_s), "k = {k}: {got} s");
            let got = layer.peak_bytes(k) as f64 / f64::from(1 << 30);
            assert!(near(got, gib), "k = {k}: {got} GiB");
        }
    }

    #[test]
    fn memory_sets_the_largest_domain() {
        let layer = CostModel::default().layer;
        let gib = |n: u64| n << 30;
        assert_eq!(layer.largest_k_within(gib(1)), Some(18));
        assert_eq!(layer.largest_k_within(gib(3)), Some(19));
        assert_eq!(layer.largest_k_within(gib(1) / 2), None);
        assert_eq!(layer.largest_k_within(u64::MAX), Some(MAX_K));
    }
}
