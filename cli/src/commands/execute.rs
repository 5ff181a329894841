//! `halocast execute`

use crate::args::ExecuteArgs;
use crate::ui::Output;
use eyre::WrapErr;
use halocast_prover::bundle::write_json;
use halocast_prover::pipeline::{self, Request};
use std::process::ExitCode;

pub(crate) fn run(args: ExecuteArgs, out: &Output) -> eyre::Result<ExitCode> {
    let bundle = super::open(&args.bundle)?;
    let json = super::read_json(&args.input)?;
    let what = || format!("cannot execute {}", args.input.display());
    let request = Request::from_json(&bundle, &json).wrap_err_with(what)?;
    let execution = pipeline::execute(&bundle, &request).wrap_err_with(what)?;
    let result = execution
        .to_json(&bundle, &request, &json)
        .wrap_err_with(what)?;
    match &args.out {
        None => out.result(&result, || format!("{result:#}"))?,
        Some(path) => {
            write_json(path, &result)?;
            out.result(&result, || {
                let answer = result["answer"]["text"].as_str();
                let answer = answer.map_or(String::new(), |t| format!(": {t:?}"));
                format!("outputs written to {}{answer}", path.display())
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
