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
        "{}: {} segments, {} input and {} output words{}\nfidelity: cosine {:.6} {} ({}/fidelity.md)\nplan: {}",
        report.bundle.display(),
        report.segments,
        report.input_words,
        report.output_words,
        match report.items {
            1 => String::new(),
            n => format!(" an item, {n} items a proof"),
        },
        report.cosine,
        measured_on(report.calibration_samples, report.held_out),
        report.bundle.display(),
        plan_text::line(&report.plan)
    )
}

/// What a cosine is worth: little on the inputs that the ranges come from, less if they are few.
fn measured_on(calibration_samples: usize, held_out: bool) -> String {
    /// Fewer inputs do not show what range a value has.
    const FEW: usize = 8;
    let few = match calibration_samples {
        n if n < FEW => format!(", calibrated on {n} only: other inputs may leave its ranges"),
        _ => String::new(),
    };
    match held_out {
        true => format!("on held-out samples{few}"),
        false => format!("on the calibration's own samples (--samples takes others){few}"),
    }
}

#[cfg(test)]
mod tests {
    use super::measured_on;

    #[test]
    fn few_samples_and_own_ones_are_called_so() {
        assert_eq!(measured_on(40, true), "on held-out samples");
        let few = measured_on(1, false);
        assert!(
            few.contains("own samples") && few.contains("on 1 only"),
            "{few}"
        );
    }
}
