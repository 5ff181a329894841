//! `halocast setup`

use crate::args::{ObjectiveArg, SetupArgs, StageArg};
use crate::ui::{Bars, Output};
use eyre::WrapErr;
use halocast_prover::aggregate::{Objective, Width};
use halocast_prover::pipeline::{self, AggregationOptions, SetupOptions, Stage};
use halocast_prover::srs::SrsSource;
use std::process::ExitCode;

pub(crate) fn run(args: SetupArgs, out: &Output) -> eyre::Result<ExitCode> {
    let mut bundle = super::open(&args.bundle)?;
    let options = SetupOptions {
        srs: args.srs.map_or(SrsSource::Development, SrsSource::File),
        stage: stage(args.stage),
        aggregation: AggregationOptions {
            objective: args.objective.map(objective),
            fold: args.fold,
            width: args.width.map(width).transpose()?,
            max_memory: args.max_memory,
        },
        again: args.again,
    };
    let report = pipeline::setup(&mut bundle, &options, &Bars::new())
        .wrap_err_with(|| format!("cannot set up {}", args.bundle.display()))?;
    out.result(&report, || {
        format!(
            "{} is set up; model id {}{}",
            args.bundle.display(),
            report.model,
            if report.insecure {
                " (INSECURE development string)"
            } else {
                ""
            }
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn objective(arg: ObjectiveArg) -> Objective {
    match arg {
        ObjectiveArg::Total => Objective::Total,
        ObjectiveArg::Gas => Objective::Gas,
    }
}

fn width(columns: usize) -> eyre::Result<Width> {
    let of = |width: &Width| width.columns() == columns;
    let known = || {
        Width::ALL
            .map(|width| width.columns().to_string())
            .join(", ")
    };
    let width = Width::ALL.into_iter().find(of);
    width.ok_or_else(|| eyre::eyre!("--width {columns}: it can be {}", known()))
}

pub(super) fn stage(arg: StageArg) -> Stage {
    match arg {
        StageArg::Layers => Stage::Layers,
        StageArg::All => Stage::All,
    }
}
