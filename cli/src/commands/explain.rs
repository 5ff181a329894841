//! `halocast explain`

use crate::args::ExplainArgs;
use crate::ui::Output;
use alloy::primitives::Bytes;
use eyre::WrapErr;
use halocast_oracle::abi::decode_revert;
use serde_json::json;
use std::process::ExitCode;

pub(crate) fn run(args: ExplainArgs, out: &Output) -> eyre::Result<ExitCode> {
    let data: Bytes = args
        .data
        .parse()
        .wrap_err_with(|| format!("{:?} is not revert data in hex", args.data))?;
    let revert = decode_revert(&data);
    let result = json!({"name": revert.name, "text": revert.text});
    out.result(&result, || revert.text.clone())?;
    Ok(ExitCode::SUCCESS)
}
