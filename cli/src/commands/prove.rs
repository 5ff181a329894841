//! `halocast prove`

use crate::args::ProveArgs;
use crate::ui::{Bars, Output, size_text};
use eyre::WrapErr;
use halocast_prover::pipeline::{self, ProveOptions, Request};
use std::process::ExitCode;

pub(crate) fn run(args: ProveArgs, out: &Output) -> eyre::Result<ExitCode> {
    let bundle = super::open(&args.bundle)?;
    let json = super::read_json(&args.input)?;
    let what = || format!("cannot prove {}", args.input.display());
    let request = Request::from_json(&bundle, &json).wrap_err_with(what)?;
    let options = ProveOptions {
        context: pipeline::context_from_hex(&args.context).wrap_err("--context")?,
        contexts: vec![],
        stage: super::setup::stage(args.stage),
        jobs: None,
    };
    let (proof, report) =
        pipeline::prove(&bundle, &[request], &options, &Bars::new()).wrap_err_with(what)?;
    proof.write(&args.out)?;
    let kind = proof.kind();
    let summary = serde_json::json!({
        "proof": args.out,
        "kind": kind,
        "model": proof.model,
        "proof_bytes": proof.body.proof_bytes(),
        "job": report.job,
        "segments": report.segments,
        "aggregate": report.aggregate,
        "stages": report.stages,
    });
    out.result(&summary, || {
        let bytes = size_text(proof.body.proof_bytes() as u64);
        format!("{kind} proof of {bytes} written to {}", args.out.display())
    })?;
    Ok(ExitCode::SUCCESS)
}
