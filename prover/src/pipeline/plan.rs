//! How a model is cut: what was asked for, priced with the figures of the machine.

use super::PipelineError;
use super::compile::{AUTO_MAX_K, Segments};
use crate::bundle::{PlanObjective, PlanOption, PlanSummary, PlannedAggregation};
use crate::costs::{CostModel, Pricing, rounded};
use halocast_circuit::{
    CircuitError, MAX_K, MIN_K, Plan, Segment, SegmentPolicy, SpanSize, plan as cheapest,
};
use halocast_ir::Program;

/// What is asked of a plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlanRequest {
    pub(super) segments: Segments,
    pub(super) objective: PlanObjective,
    pub(super) max_memory: Option<u64>,
}

/// Cuts the program.
pub(super) fn plan(
    program: &Program,
    request: PlanRequest,
    model: &CostModel,
) -> Result<(Vec<Segment>, PlanSummary), PipelineError> {
    let pricing = Pricing {
        model,
        objective: request.objective,
        max_memory: request.max_memory,
    };
    let (max_k, plan) = match request.max_memory {
        Some(bytes) => within(program, request.segments, bytes, pricing)?,
        None => anywhere(program, request.segments, pricing)?,
    };
    let summary = summary(request, max_k, &plan, &pricing)?;
    Ok((plan.segments, summary))
}

fn policy(segments: Segments) -> SegmentPolicy {
    match segments {
        Segments::Auto => SegmentPolicy::Auto,
        Segments::PerLayer => SegmentPolicy::PerLayer,
        Segments::Count(n) => SegmentPolicy::Count(n),
    }
}

/// With no limit of memory; automatic cuts stay in small domains, or in the smallest that hold each op.
fn anywhere(
    program: &Program,
    segments: Segments,
    pricing: Pricing<'_>,
) -> Result<(u32, Plan), PipelineError> {
    let max_k = match segments {
        Segments::Auto => AUTO_MAX_K,
        Segments::Count(_) | Segments::PerLayer => MAX_K,
    };
    let price = |spans: &[SpanSize]| pricing.price(spans);
    let with = |max_k| cheapest(program, policy(segments), max_k, &price);
    let (max_k, plan) = match with(max_k) {
        Err(CircuitError::Domain { smallest, .. }) if segments == Segments::Auto => {
            (smallest, with(smallest)?)
        }
        result => (max_k, result?),
    };
    // Without a limit only a number of proofs that no circuit takes has no price.
    Ok((max_k, plan.ok_or(PipelineError::TooManySegments)?))
}

/// Within so many bytes; if that cannot be, the error says what would do.
fn within(
    program: &Program,
    segments: Segments,
    bytes: u64,
    pricing: Pricing<'_>,
) -> Result<(u32, Plan), PipelineError> {
    let price = |spans: &[SpanSize]| pricing.price(spans);
    if let Some(max_k) = pricing.model.layer.largest_k_within(bytes) {
        match cheapest(program, policy(segments), max_k, &price) {
            Ok(Some(plan)) => return Ok((max_k, plan)),
            // Exactly so many segments, or layers, need larger domains: below it is known which.
            Ok(None) | Err(CircuitError::Domain { .. } | CircuitError::Plan { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let smallest = smallest(program, segments, pricing)?;
    let spans = &smallest.considered[smallest.chosen];
    Err(PipelineError::Memory {
        bytes,
        needed: pricing.least_bytes(spans)?,
        segments: spans.len(),
        k: spans.iter().map(|s| s.k).max().unwrap_or(0),
    })
}

/// The plan that needs least memory.
fn smallest(
    program: &Program,
    segments: Segments,
    pricing: Pricing<'_>,
) -> Result<Plan, PipelineError> {
    let least = |spans: &[SpanSize]| {
        let least = pricing.least_bytes(spans).ok()?;
        Some([least as f64, spans.len() as f64])
    };
    // Automatic cuts try every largest domain by themselves.
    let caps = match segments {
        Segments::Auto => MAX_K..=MAX_K,
        Segments::Count(_) | Segments::PerLayer => MIN_K..=MAX_K,
    };
    let mut failure = None;
    for max_k in caps {
        match cheapest(program, policy(segments), max_k, &least) {
            // With fixed numbers the first that is possible has the smallest domains.
            Ok(Some(plan)) => return Ok(plan),
            Ok(None) => {}
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.map_or(PipelineError::TooManySegments, PipelineError::from))
}

fn summary(
    request: PlanRequest,
    max_k: u32,
    plan: &Plan,
    pricing: &Pricing<'_>,
) -> Result<PlanSummary, PipelineError> {
    let mut considered: Vec<PlanOption> = Vec::new();
    let mut chosen = 0;
    for (index, spans) in plan.considered.iter().enumerate() {
        if index == plan.chosen {
            chosen = considered.len();
        }
        match pricing.option(spans) {
            Ok(option) => considered.push(option),
            // Too many to aggregate: not an option.
            Err(_) if index != plan.chosen => {}
            Err(error) => return Err(error.into()),
        }
    }
    let aggregation = pricing.cost(&plan.considered[plan.chosen])?.aggregation;
    Ok(PlanSummary {
        objective: request.objective,
        segments: match request.segments {
            Segments::Auto => "auto".into(),
            Segments::PerLayer => "layer".into(),
            Segments::Count(n) => n.to_string(),
        },
        max_memory: request.max_memory,
        max_k,
        costs: pricing.model.origin.clone(),
        aggregation: PlannedAggregation {
            k: aggregation.root.k,
            width: aggregation.root.width,
            columns: aggregation.root.columns,
            fold: aggregation.capacity,
            cpu_s: rounded(aggregation.cpu_s),
            key_cpu_s: rounded(aggregation.key_cpu_s),
            peak_bytes: aggregation.peak_bytes,
            max_layout_bytes: pricing.max_layout_bytes(),
        },
        chosen,
        considered,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::synthetic;

    fn request(segments: Segments, max_memory: Option<u64>) -> PlanRequest {
        PlanRequest {
            segments,
            objective: PlanObjective::Total,
            max_memory,
        }
    }

    /// A program of some 360,000 rows.
    fn program() -> Program {
        synthetic::quantized().program
    }

    #[test]
    fn a_budget_is_kept_and_one_that_is_too_small_says_which_works() {
        let (program, model) = (program(), CostModel::default());
        for segments in [Segments::Auto, Segments::PerLayer, Segments::Count(2)] {
            let with = |bytes| plan(&program, request(segments, Some(bytes)), &model);
            let error = with(100 << 20).unwrap_err();
            let PipelineError::Memory { needed, .. } = error else {
                panic!("{error}")
            };
            assert!(needed > 100 << 20);
            assert!(
                error.to_string().contains("100 MiB is too small"),
                "{error}"
            );
            let (_, enough) = with(needed).unwrap();
            let choice = enough.choice().unwrap();
            assert!(
                choice.within_memory && choice.peak_bytes <= needed,
                "{choice:?}"
            );
            with(needed - (1 << 20)).unwrap_err();
        }
    }

    #[test]
    fn more_memory_is_never_dearer_and_objectives_choose() {
        let (program, model) = (program(), CostModel::default());
        let mut before = f64::INFINITY;
        for gib in [2u64, 4, 16] {
            let request = request(Segments::Auto, Some(gib << 30));
            let (segments, summary) = plan(&program, request, &model).unwrap();
            let choice = summary.choice().unwrap();
            let ks: Vec<u32> = segments.iter().map(|s| s.k).collect();
            assert_eq!(choice.domains, ks);
            assert!(choice.total_cpu_s() <= before, "{summary:?}");
            before = choice.total_cpu_s();
            assert_eq!(
                summary.max_k,
                model.layer.largest_k_within(gib << 30).unwrap()
            );
        }
        let latency = PlanRequest {
            objective: PlanObjective::Latency,
            ..request(Segments::Auto, None)
        };
        let (segments, summary) = plan(&program, latency, &model).unwrap();
        assert!(segments.iter().all(|s| s.k == 17), "{summary:?}");
        let least = summary.considered.iter().map(|o| o.latency_s);
        let least = least.fold(f64::INFINITY, f64::min);
        assert_eq!(summary.choice().unwrap().latency_s, least);
        let gas = PlanRequest {
            objective: PlanObjective::Gas,
            ..latency
        };
        let (_, summary) = plan(&program, gas, &model).unwrap();
        let least = summary.considered.iter().map(|o| o.points).min();
        assert_eq!(summary.choice().map(|c| c.points), least);
    }
}
