//! What a partition costs: its layer proofs, and the aggregation of as many as there are.

use super::CostModel;
use crate::aggregate::{
    AggregateError, AggregationConfig, Forecast, Given, Objective, fold_capacity, forecast,
};
use crate::bundle::{PlanObjective, PlanOption};
use halocast_circuit::SpanSize;

/// How partitions are compared.
#[derive(Clone, Copy, Debug)]
pub struct Pricing<'a> {
    /// Figures of the machine.
    pub model: &'a CostModel,
    /// What is to be spent least of.
    pub objective: PlanObjective,
    /// Bytes that every prover must stay within.
    pub max_memory: Option<u64>,
}

/// Folds and the proof for the chain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AggregationCost {
    /// Layer proofs of a fold; 0 without folds.
    pub capacity: usize,
    /// The proof for the chain, in seconds and bytes of the forecast.
    pub root: Forecast,
    /// CPU seconds, folds included.
    pub cpu_s: f64,
    /// CPU seconds of the keys.
    pub key_cpu_s: f64,
    /// Wall seconds when each fold has a machine of its own.
    pub wall_s: f64,
    /// Peak memory in bytes.
    pub peak_bytes: u64,
}

/// All of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PartitionCost {
    /// CPU seconds of all layer proofs.
    pub layers_cpu_s: f64,
    /// Wall seconds of the slowest.
    pub slowest_s: f64,
    /// Peak memory of the largest, in bytes.
    pub layer_bytes: u64,
    /// The aggregation.
    pub aggregation: AggregationCost,
}

impl PartitionCost {
    /// CPU seconds of one request.
    pub fn total_cpu_s(&self) -> f64 {
        self.layers_cpu_s + self.aggregation.cpu_s
    }

    /// Wall seconds of one request with a machine for each layer proof and each fold.
    pub fn latency_s(&self) -> f64 {
        self.slowest_s + self.aggregation.wall_s
    }

    /// Peak memory of the prover that needs most, in bytes.
    pub fn peak_bytes(&self) -> u64 {
        self.layer_bytes.max(self.aggregation.peak_bytes)
    }
}

impl Pricing<'_> {
    /// The same with no limit of memory.
    pub fn unlimited(self) -> Self {
        Pricing {
            max_memory: None,
            ..self
        }
    }

    /// What a layout may take by the forecast's figures, to stay within the memory by ours.
    pub fn max_layout_bytes(&self) -> Option<u64> {
        let scale = self.model.aggregation.byte_scale;
        self.max_memory.map(|bytes| (bytes as f64 / scale) as u64)
    }

    /// What is compared, as [`halocast_circuit::plan`] wants it; `None` for what cannot be had within the memory.
    pub fn price(&self, spans: &[SpanSize]) -> Option<[f64; 2]> {
        let cost = self.cost(spans).ok()?;
        let limit = self.max_memory.unwrap_or(u64::MAX);
        if cost.peak_bytes() > limit {
            return None;
        }
        let total = cost.total_cpu_s();
        Some(match self.objective {
            PlanObjective::Total => [total, 0.0],
            PlanObjective::Latency => [cost.latency_s(), total],
            PlanObjective::Gas => [cost.aggregation.root.points as f64, total],
        })
    }

    /// What it all costs.
    ///
    /// # Errors
    /// If the proofs cannot be aggregated: too many of them, or too little memory.
    pub fn cost(&self, spans: &[SpanSize]) -> Result<PartitionCost, AggregateError> {
        let layer = &self.model.layer;
        let seconds = spans.iter().map(|&span| layer.cpu_s(span));
        Ok(PartitionCost {
            layers_cpu_s: seconds.clone().sum(),
            slowest_s: seconds.fold(0.0, f64::max) / layer.parallelism,
            layer_bytes: self.layer_bytes(spans),
            aggregation: self.aggregation(spans.len())?,
        })
    }

    /// The least memory, in bytes, that the partition can be proven and aggregated with.
    ///
    /// # Errors
    /// If there are too many proofs.
    pub fn least_bytes(&self, spans: &[SpanSize]) -> Result<u64, AggregateError> {
        let objective = self.objective.aggregation();
        let (fold, root) = tree(objective, spans.len());
        let scale = self.model.aggregation.byte_scale;
        let mut least = self.layer_bytes(spans);
        for given in fold.into_iter().chain([root]) {
            let config = AggregationConfig {
                max_memory: 0,
                objective,
                ..AggregationConfig::default()
            };
            match forecast(given, &config) {
                // The budget is scaled down and cut to a whole number of bytes; so it is scaled up and one more.
                Err(AggregateError::NoMemory { needed, .. }) => {
                    least = least.max(((needed + 1) as f64 * scale).ceil() as u64);
                }
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Ok(least)
    }

    /// The row of a table of options.
    ///
    /// # Errors
    /// If there are too many proofs.
    pub fn option(&self, spans: &[SpanSize]) -> Result<PlanOption, AggregateError> {
        let within = self.price(spans).is_some();
        let cost = match within {
            true => self.cost(spans)?,
            false => self.unlimited().cost(spans)?,
        };
        Ok(PlanOption {
            domains: spans.iter().map(|s| s.k).collect(),
            layers_cpu_s: rounded(cost.layers_cpu_s),
            aggregation_cpu_s: rounded(cost.aggregation.cpu_s),
            latency_s: rounded(cost.latency_s()),
            points: cost.aggregation.root.points,
            peak_bytes: cost.peak_bytes(),
            within_memory: within,
        })
    }

    fn layer_bytes(&self, spans: &[SpanSize]) -> u64 {
        let bytes = spans.iter().map(|s| self.model.layer.peak_bytes(s.k));
        bytes.max().unwrap_or(0)
    }

    /// The aggregation that `setup` makes for so many segments if nothing else is asked of it.
    fn aggregation(&self, segments: usize) -> Result<AggregationCost, AggregateError> {
        let objective = self.objective.aggregation();
        let with = |objective| AggregationConfig {
            objective,
            max_memory: self.max_layout_bytes().unwrap_or(u64::MAX),
            ..AggregationConfig::default()
        };
        let (fold, root) = tree(objective, segments);
        // No chain sees a fold.
        let fold = fold.map(|given| forecast(given, &with(Objective::Total)));
        let (fold, root) = (fold.transpose()?, forecast(root, &with(objective))?);
        let capacity = fold_capacity(objective, segments);
        let folds = segments.div_ceil(capacity.max(1)) as f64;
        let (fold_s, fold_bytes) = fold.map_or((0.0, 0), |f| (f.cpu_s, f.bytes));
        let costs = &self.model.aggregation;
        let cpu_s = |forecast: f64| forecast * costs.cpu_scale;
        Ok(AggregationCost {
            capacity,
            root,
            cpu_s: cpu_s(root.cpu_s + folds * fold_s),
            key_cpu_s: cpu_s(root.cpu_s + fold_s) * costs.key_share,
            wall_s: cpu_s(root.cpu_s + fold_s) / costs.parallelism,
            peak_bytes: (root.bytes.max(fold_bytes) as f64 * costs.byte_scale) as u64,
        })
    }
}

/// What a fold takes, if there are folds, and what the proof for the chain takes.
fn tree(objective: Objective, segments: usize) -> (Option<Given>, Given) {
    match fold_capacity(objective, segments) {
        0 => (None, Given::Layers(segments)),
        capacity => {
            let folds = segments.div_ceil(capacity);
            (Some(Given::Layers(capacity)), Given::Folds(folds))
        }
    }
}

/// Milliseconds are more than enough.
pub(crate) fn rounded(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(ks: &[u32]) -> Vec<SpanSize> {
        let span = |&k| SpanSize { k, rows: 90_000 };
        ks.iter().map(span).collect()
    }

    fn cheapest<'a>(pricing: &Pricing<'_>, all: &'a [Vec<u32>]) -> Option<&'a [u32]> {
        let priced = all
            .iter()
            .filter_map(|ks| Some((ks, pricing.price(&spans(ks))?)));
        let best = priced.min_by(|a, b| a.1.partial_cmp(&b.1).unwrap());
        best.map(|(ks, _)| ks.as_slice())
    }

    #[test]
    fn each_objective_has_its_own_choice() {
        let model = CostModel::default();
        let with = |objective| Pricing {
            model: &model,
            objective,
            max_memory: None,
        };
        let all = [vec![19], vec![18, 18], vec![17; 4], vec![17; 9]];
        // Few large proofs leave little to aggregate.
        assert_eq!(
            cheapest(&with(PlanObjective::Total), &all[1..]),
            Some(&[18, 18][..])
        );
        // Four small ones take 11 s side by side, two of 2^18 rows 25 s; nine cost the aggregation more than they save.
        assert_eq!(
            cheapest(&with(PlanObjective::Latency), &all),
            Some(&[17; 4][..])
        );
        let gas = with(PlanObjective::Gas);
        let points = |ks: &[u32]| gas.cost(&spans(ks)).unwrap().aggregation.root.points;
        // Behind folds the chain does not see how many there are, as long as there is one.
        assert_eq!(points(&[17; 5]), points(&[17; 8]));
        assert!(
            points(&[17; 5])
                < with(PlanObjective::Total)
                    .cost(&spans(&[17; 9]))
                    .unwrap()
                    .aggregation
                    .root
                    .points
        );
        assert_eq!(gas.cost(&spans(&[17; 5])).unwrap().aggregation.capacity, 5);
    }

    #[test]
    fn a_segment_costs_the_aggregation() {
        let model = CostModel::default();
        let pricing = Pricing {
            model: &model,
            objective: PlanObjective::Total,
            max_memory: None,
        };
        let mut before = 0.0;
        for n in 1..30 {
            let cost = pricing.cost(&spans(&vec![17; n])).unwrap();
            assert!(cost.aggregation.cpu_s >= before, "{n}");
            before = cost.aggregation.cpu_s;
        }
        let [one, four] = [1, 4].map(|n| pricing.cost(&spans(&vec![17; n])).unwrap());
        // docs/benchmarks.md: 16.2 CPU seconds for three.
        assert!((13.5..16.5).contains(&one.aggregation.cpu_s), "{one:?}");
        assert!((15.5..20.0).contains(&four.aggregation.cpu_s), "{four:?}");
    }

    #[test]
    fn the_least_memory_is_enough_and_less_is_not() {
        let mut model = CostModel::default();
        for scale in [1.0, 1.37] {
            model.aggregation.byte_scale = scale;
            for ks in [&[17; 6][..], &[22], &[17; 20], &[18; 10]] {
                let with = |max_memory| Pricing {
                    model: &model,
                    objective: PlanObjective::Total,
                    max_memory,
                };
                let least = with(None).least_bytes(&spans(ks)).unwrap();
                assert!(with(Some(least)).price(&spans(ks)).is_some(), "{ks:?}");
                let less = with(Some(least - (1 << 20)));
                assert_eq!(less.price(&spans(ks)), None, "{ks:?}");
                assert!(!less.option(&spans(ks)).unwrap().within_memory);
            }
        }
    }
}
