//! `halocast set`

use crate::args::SetArgs;
use crate::chain;
use crate::ui::Output;
use eyre::WrapErr;
use halocast_prover::bundle::write_json;
use halocast_prover::pipeline::{self, ProofFile};
use std::process::ExitCode;

pub(crate) fn run(args: SetArgs, out: &Output) -> eyre::Result<ExitCode> {
    let bundle = super::open(&args.bundle)?;
    let what = || format!("no set from {}", args.proof.display());
    let proof = ProofFile::read(&args.proof)?;
    pipeline::verify(&bundle, &proof).wrap_err_with(what)?;
    let set = chain::set_of(&bundle, &proof).wrap_err_with(what)?;
    write_json(&args.out, &set)?;
    let summary = serde_json::json!({
        "set": args.out,
        "model": set.model,
        "root": set.root,
        "depth": set.depth,
        "items": set.items.len(),
        "proof_bytes": set.proof.len(),
    });
    out.result(&summary, || {
        let (items, path) = (set.items.len(), args.out.display());
        format!(
            "set of {items} results, root {}, written to {path}",
            set.root
        )
    })?;
    Ok(ExitCode::SUCCESS)
}
