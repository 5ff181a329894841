//! `halocast setup`

use crate::args::{ObjectiveArg, SetupArgs, StageArg};
use crate::ui::{Bars, Output};
use eyre::WrapErr;
use halocast_prover::aggregate::Objective;
use halocast_prover::pipeline::{self, SetupOptions, Stage};
use halocast_prover::srs::SrsSource;
use std::process::ExitCode;

pub(crate) fn run(args: SetupArgs, out: &Output) -> eyre::Result<ExitCode> {
    let mut bundle = super::open(&args.bundle)?;
    let options = SetupOptions {
        srs: args.srs.map_or(SrsSource::Development, SrsSource::File),
        stage: stage(args.stage),
        objective: args.objective.map(objective),
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

pub(super) fn stage(arg: StageArg) -> Stage {
    match arg {
        StageArg::Layers => Stage::Layers,
        StageArg::All => Stage::All,
    }
}
