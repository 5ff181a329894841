//! `halocast compile`

use crate::args::{CompileArgs, PlanObjectiveArg, TaskArg};
use crate::plan_text;
use crate::ui::{Bars, Output};
use eyre::WrapErr;
use halocast_prover::bundle::PlanObjective;
use halocast_prover::pipeline::{self, CompileOptions, CompileReport, TaskChoice};
use std::process::ExitCode;

pub(crate) fn run(args: CompileArgs, out: &Output) -> eyre::Result<ExitCode> {
    let options = options(&args);
    let report = pipeline::compile(&options, &Bars::new())
        .wrap_err_with(|| format!("cannot compile {}", args.model.display()))?;
    out.result(&report, || text(&report))?;
    Ok(ExitCode::SUCCESS)
}

/// The library's view of the call.
pub(crate) fn options(args: &CompileArgs) -> CompileOptions {
    CompileOptions {
        model: args.model.clone(),
        calibration: args.calibration.clone(),
        samples: args.samples.clone(),
        prompts: args.prompts.clone(),
        task: match args.task {
            TaskArg::Infer => TaskChoice::Infer,
            TaskArg::Generate => TaskChoice::Generate,
        },
        min_cosine: args.fidelity_min_cosine,
        items: args.batch,
        segments: args.segments,
        objective: match args.objective {
            PlanObjectiveArg::Total => PlanObjective::Total,
            PlanObjectiveArg::Latency => PlanObjective::Latency,
            PlanObjectiveArg::Gas => PlanObjective::Gas,
        },
        max_memory: args.max_memory,
        costs: args.costs.clone(),
        out: args.out.clone(),
        force: args.force,
    }
}

fn text(report: &CompileReport) -> String {
    format!(
        "{}: {} segments, {} input and {} output words{}\nfidelity: cosine {:.6} ({}/fidelity.md)\nplan: {}",
        report.bundle.display(),
        report.segments,
        report.input_words,
        report.output_words,
        match report.items {
            1 => String::new(),
            n => format!(" an item, {n} items a proof"),
        },
        report.cosine,
        report.bundle.display(),
        plan_text::line(&report.plan)
    )
}
