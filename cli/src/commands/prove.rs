//! `halocast prove`

use crate::args::ProveArgs;
use crate::chain;
use crate::ui::{Bars, Output, size_text};
use alloy::primitives::U256;
use eyre::{WrapErr, ensure, eyre};
use halocast_prover::bundle::Bundle;
use halocast_prover::pipeline::{self, ProveOptions, Request};
use serde_json::Value;
use std::process::ExitCode;

pub(crate) fn run(args: ProveArgs, out: &Output) -> eyre::Result<ExitCode> {
    let bundle = super::open(&args.bundle)?;
    let file = args.input.as_ref().or(args.batch.as_ref());
    let file = file.ok_or_else(|| eyre!("no --input and no --batch"))?;
    let what = || format!("cannot prove {}", file.display());
    let json = super::read_json(file)?;
    let items = match args.batch {
        Some(_) => batch(&bundle, &json).wrap_err_with(what)?,
        None => {
            let request = Request::from_json(&bundle, &json).wrap_err_with(what)?;
            vec![(request, context(&args.context).wrap_err("--context")?)]
        }
    };
    let (requests, contexts): (Vec<Request>, Vec<U256>) = items.into_iter().unzip();
    let options = options(&bundle, &contexts, &args).wrap_err_with(what)?;
    let (proof, report) =
        pipeline::prove(&bundle, &requests, &options, &Bars::new()).wrap_err_with(what)?;
    proof.write(&args.out)?;
    let kind = proof.kind();
    let summary = serde_json::json!({
        "proof": args.out,
        "kind": kind,
        "model": proof.model,
        "items": requests.len(),
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

fn options(bundle: &Bundle, contexts: &[U256], args: &ProveArgs) -> eyre::Result<ProveOptions> {
    let context = chain::proof_context(bundle, contexts)?;
    let field = |word: &U256| pipeline::context_from_hex(&format!("{word:#x}"));
    let contexts = match bundle.items() {
        1 => vec![],
        _ => contexts.iter().map(field).collect::<Result<_, _>>()?,
    };
    Ok(ProveOptions {
        context: field(&context)?,
        contexts,
        stage: super::setup::stage(args.stage),
        jobs: None,
    })
}

/// `[{"inputs": …, "context": "0x…"}, …]`, as many as a proof of the bundle has items, or fewer.
fn batch(bundle: &Bundle, json: &Value) -> eyre::Result<Vec<(Request, U256)>> {
    let list = json.as_array();
    let list =
        list.ok_or_else(|| eyre!("expected a list [{{\"inputs\": …, \"context\": \"0x…\"}}, …]"))?;
    let most = bundle.items();
    ensure!(
        (1..=most).contains(&list.len()),
        "{} items, a proof of this bundle takes 1 to {most} (compile with --batch for more)",
        list.len()
    );
    let one = |item: &Value| -> eyre::Result<(Request, U256)> {
        let request = Request::from_json(bundle, item)?;
        let text = match item.get("context") {
            None => "0x0",
            Some(text) => text
                .as_str()
                .ok_or_else(|| eyre!("context: expected hex text"))?,
        };
        Ok((request, context(text)?))
    };
    let items = list.iter().enumerate();
    items
        .map(|(index, item)| one(item).wrap_err_with(|| format!("item {index}")))
        .collect()
}

/// A context word, below 2^248.
fn context(text: &str) -> eyre::Result<U256> {
    let field = pipeline::context_from_hex(text)?;
    Ok(chain::to_u256(&pipeline::field_to_word(&field)))
}
