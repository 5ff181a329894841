//! Figures from measurements: least squares of relative errors, nothing negative.

use super::{AggregationCosts, CostModel, LayerCosts, millions};
use halocast_circuit::SpanSize;
use serde::{Deserialize, Serialize};

/// A measured layer proof.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerSample {
    /// log2 of the domain.
    pub k: u32,
    /// Rows in use.
    pub rows: usize,
    /// CPU seconds.
    pub cpu_s: f64,
    /// Wall seconds.
    pub wall_s: f64,
    /// Peak memory in bytes.
    pub peak_bytes: u64,
}

impl LayerSample {
    pub(crate) fn span(&self) -> SpanSize {
        SpanSize {
            k: self.k,
            rows: self.rows,
        }
    }
}

/// A measured aggregation, and what the forecast says of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AggregationSample {
    /// CPU seconds of the proof and of the key.
    pub cpu_s: [f64; 2],
    /// Wall seconds of the proof.
    pub wall_s: f64,
    /// Peak memory in bytes.
    pub peak_bytes: u64,
    /// CPU seconds that the forecast says.
    pub forecast_cpu_s: f64,
    /// Bytes that the forecast says.
    pub forecast_bytes: u64,
}

/// The model of these measurements. `keys_cpu_s`: of the keys of all these layers. Without an aggregation its figures are
/// those of `before`.
///
/// `None` if nothing was measured: no samples, or one that took no time or memory.
pub fn fit(
    layers: Vec<LayerSample>,
    keys_cpu_s: f64,
    aggregation: Option<AggregationSample>,
    before: &CostModel,
    origin: String,
) -> Option<CostModel> {
    let measured = |s: &LayerSample| s.cpu_s > 0.0 && s.wall_s > 0.0 && s.peak_bytes > 0;
    let aggregated = |a: &AggregationSample| a.cpu_s[0] > 0.0 && a.wall_s > 0.0 && a.peak_bytes > 0;
    if layers.is_empty() || !layers.iter().all(measured) || !aggregation.iter().all(aggregated) {
        return None;
    }
    let cpu: Vec<_> = layers
        .iter()
        .map(|s| ([millions(s.k), s.rows as f64], s.cpu_s))
        .collect();
    let bytes: Vec<_> = layers
        .iter()
        .map(|s| ([f64::from(s.k).exp2(), 1.0], s.peak_bytes as f64))
        .collect();
    let ([cpu_s_per_million, cpu_s_per_row], [bytes_per_row, bytes]) =
        (least_squares(&cpu), least_squares(&bytes));
    let sum = |of: fn(&LayerSample) -> f64| layers.iter().map(of).sum::<f64>();
    Some(CostModel {
        origin,
        layer: LayerCosts {
            cpu_s_per_million,
            cpu_s_per_row,
            key_cpu_s_per_million: keys_cpu_s / sum(|s| millions(s.k)),
            bytes,
            bytes_per_row,
            parallelism: sum(|s| s.cpu_s) / sum(|s| s.wall_s),
        },
        aggregation: aggregation.map_or(before.aggregation, |a| AggregationCosts {
            cpu_scale: a.cpu_s[0] / a.forecast_cpu_s,
            byte_scale: a.peak_bytes as f64 / a.forecast_bytes as f64,
            key_share: a.cpu_s[1] / a.cpu_s[0],
            parallelism: a.cpu_s[0] / a.wall_s,
        }),
        samples: layers,
    })
}

/// a, b ≥ 0 of y = a·x0 + b·x1 with the least sum of squared relative errors; b = 0 where it would be negative or is not
/// determined.
fn least_squares(points: &[([f64; 2], f64)]) -> [f64; 2] {
    let scaled = points.iter().map(|([p, q], y)| [p / y, q / y]);
    let sums = scaled.fold([0.0; 5], |[pp, pq, qq, p, q], [a, b]| {
        [pp + a * a, pq + a * b, qq + b * b, p + a, q + b]
    });
    let [pp, pq, qq, p, q] = sums;
    let determinant = pp * qq - pq * pq;
    // Relative to its terms: samples of one shape leave one figure free.
    if determinant > 1e-9 * pp * qq {
        let (a, b) = (
            (p * qq - q * pq) / determinant,
            (q * pp - p * pq) / determinant,
        );
        if a >= 0.0 && b >= 0.0 {
            return [a, b];
        }
    }
    [p / pp, 0.0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(k: u32, rows: usize, layer: &LayerCosts) -> LayerSample {
        let cpu_s = layer.cpu_s(SpanSize { k, rows });
        LayerSample {
            k,
            rows,
            cpu_s,
            wall_s: cpu_s / layer.parallelism,
            peak_bytes: layer.peak_bytes(k),
        }
    }

    /// A machine three times as slow, with a base of memory.
    fn other() -> CostModel {
        let mut model = CostModel::default();
        model.layer.cpu_s_per_million *= 3.0;
        model.layer.cpu_s_per_row *= 3.0;
        model.layer.bytes = 5e7;
        model.aggregation.cpu_scale = 2.0;
        model.aggregation.byte_scale = 1.25;
        model.aggregation.key_share = 0.22;
        model.aggregation.parallelism = 1.87;
        model
    }

    #[test]
    fn figures_are_found_again() {
        let truth = other();
        let layers = [(17, 3_000), (17, 110_000), (18, 240_000)];
        let layers: Vec<_> = layers.map(|(k, n)| sample(k, n, &truth.layer)).into();
        let keys = layers.iter().map(|s| truth.layer.key_cpu_s(s.k)).sum();
        let aggregation = AggregationSample {
            cpu_s: [120.0, 26.4],
            wall_s: 120.0 / 1.87,
            peak_bytes: 2_500_000_000,
            forecast_cpu_s: 60.0,
            forecast_bytes: 2_000_000_000,
        };
        let none = CostModel::default();
        let model = fit(
            layers.clone(),
            keys,
            Some(aggregation),
            &none,
            "test".into(),
        )
        .unwrap();
        for (got, expected) in model.figures().iter().zip(truth.figures()) {
            let error = (got.1 - expected.1).abs() / expected.1.max(1e-9);
            assert!(error < 1e-3, "{}: {} {}", got.0, got.1, expected.1);
        }
        assert_eq!(model.nonsense(), None);
        let model = fit(layers, keys, None, &none, "test".into()).unwrap();
        assert_eq!(model.aggregation, none.aggregation);
    }

    #[test]
    fn nothing_becomes_negative_and_nothing_measured_is_nothing() {
        let truth = CostModel::default();
        // Rows in use that make a proof faster are noise.
        let mut layers = vec![
            sample(17, 1_000, &truth.layer),
            sample(17, 100_000, &truth.layer),
        ];
        layers[1].cpu_s = layers[0].cpu_s - 1.0;
        let model = fit(layers.clone(), 3.0, None, &truth, "test".into()).unwrap();
        assert_eq!(model.layer.cpu_s_per_row, 0.0);
        assert_eq!(model.nonsense(), None);
        assert_eq!(fit(vec![], 0.0, None, &truth, "test".into()), None);
        layers[0].cpu_s = 0.0;
        assert_eq!(fit(layers, 3.0, None, &truth, "test".into()), None);
    }
}
