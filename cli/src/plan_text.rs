//! Plans for people: why a model is cut as it is.

use crate::ui::size_text;
use halocast_prover::bundle::{PlanObjective, PlanOption, PlanSummary};
use std::fmt::{Error, Write};

/// `4 segments (4 x 2^17), 150.1 CPU s a request, 45.0 s with a machine each, 1.32 GiB`.
pub(crate) fn line(plan: &PlanSummary) -> String {
    let Some(choice) = plan.choice() else {
        return "none".into();
    };
    format!(
        "{} segments ({}), {:.1} CPU s a request, {:.1} s with a machine for each proof, {}",
        choice.domains.len(),
        domains(choice),
        choice.total_cpu_s(),
        choice.latency_s,
        size_text(choice.peak_bytes)
    )
}

/// What was asked for, and everything considered with what it was predicted to cost.
pub(crate) fn table(plan: &PlanSummary) -> Result<String, Error> {
    let mut s = String::new();
    let budget = match plan.max_memory {
        Some(bytes) => format!("{} for each prover", size_text(bytes)),
        None => "no limit of memory".into(),
    };
    writeln!(
        s,
        "plan: {}; segments {}, domains up to 2^{}, {budget}",
        objective(plan.objective),
        plan.segments,
        plan.max_k
    )?;
    writeln!(s, "  by {}", plan.costs)?;
    writeln!(
        s,
        "  {:>8} {:24} {:>12} {:>12} {:>12} {:>10} {:>7} {:>10}",
        "segments",
        "domains",
        "layers CPU s",
        "aggr. CPU s",
        "total CPU s",
        "latency s",
        "points",
        "memory"
    )?;
    for (index, option) in plan.considered.iter().enumerate() {
        row(&mut s, option, index == plan.chosen)?;
    }
    let a = &plan.aggregation;
    let folds = match a.fold {
        0 => String::new(),
        n => format!(" over folds of {n}"),
    };
    writeln!(
        s,
        "  aggregation{folds}: k = {}, {} + {} columns, {:.1} CPU s, keys {:.1} CPU s, {}",
        a.k,
        a.width,
        a.columns,
        a.cpu_s,
        a.key_cpu_s,
        size_text(a.peak_bytes)
    )?;
    if plan.objective == PlanObjective::Gas && a.fold > 0 {
        writeln!(s, "  behind a fold the number of segments costs no gas")?;
    }
    Ok(s)
}

fn row(s: &mut String, option: &PlanOption, chosen: bool) -> Result<(), Error> {
    writeln!(
        s,
        "{} {:>8} {:24} {:>12.1} {:>12.1} {:>12.1} {:>10.1} {:>7} {:>10}{}",
        if chosen { "*" } else { " " },
        option.domains.len(),
        domains(option),
        option.layers_cpu_s,
        option.aggregation_cpu_s,
        option.total_cpu_s(),
        option.latency_s,
        option.points,
        size_text(option.peak_bytes),
        if option.within_memory {
            ""
        } else {
            "  too much"
        }
    )
}

fn objective(objective: PlanObjective) -> &'static str {
    match objective {
        PlanObjective::Total => "least CPU time of a request (total)",
        PlanObjective::Latency => "least wall time with a machine for each proof (latency)",
        PlanObjective::Gas => "fewest points for the contract (gas)",
    }
}

/// `3 x 2^17, 1 x 2^18`
fn domains(option: &PlanOption) -> String {
    let mut ks = option.domains.clone();
    ks.sort_unstable();
    let groups = ks.chunk_by(|a, b| a == b);
    let text = groups.map(|g| format!("{} x 2^{}", g.len(), g[0]));
    text.collect::<Vec<_>>().join(", ")
}
