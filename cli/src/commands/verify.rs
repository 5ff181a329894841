//! `halocast verify`: exit code 0 only for a valid proof.

use crate::args::VerifyArgs;
use crate::chain;
use crate::ui::Output;
use eyre::WrapErr;
use halocast_prover::bundle::Bundle;
use halocast_prover::pipeline::{self, PipelineError, ProofFile, Verdict};
use std::process::ExitCode;

pub(crate) fn run(args: VerifyArgs, out: &Output) -> eyre::Result<ExitCode> {
    let bundle = super::open(&args.bundle)?;
    let proof = ProofFile::read(&args.proof)?;
    let kind = proof.kind();
    match checked(&bundle, &proof) {
        Ok(verdict) => {
            out.result(&verdict, || text(&verdict))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(
            error @ (PipelineError::Invalid { .. }
            | PipelineError::OtherModel { .. }
            | PipelineError::Number { .. }),
        ) => {
            let result =
                serde_json::json!({"valid": false, "kind": kind, "error": error.to_string()});
            out.result(&result, || format!("NOT VALID ({kind}): {error}"))?;
            Ok(ExitCode::FAILURE)
        }
        Err(error) => {
            Err(error).wrap_err_with(|| format!("cannot verify {}", args.proof.display()))
        }
    }
}

/// The proof, and that its context is made of those of its items.
fn checked(bundle: &Bundle, proof: &ProofFile) -> Result<Verdict, PipelineError> {
    let verdict = pipeline::verify(bundle, proof)?;
    let contexts = chain::check_contexts(bundle, &proof.statement()?);
    contexts.map_err(|e| PipelineError::Invalid {
        what: e.to_string(),
    })?;
    Ok(verdict)
}

fn text(verdict: &Verdict) -> String {
    let what = match verdict.kind {
        "layers" => format!(
            "{} layer proofs and their chain; a layers proof does not bind the context",
            verdict.layers
        ),
        _ => format!("the aggregated proof, for context {}", verdict.context),
    };
    format!("VALID ({}): {what}\nmodel {}", verdict.kind, verdict.model)
}
