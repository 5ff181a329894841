//! `halocast srs new|import|info`

use crate::args::{SrsImportArgs, SrsInfoArgs, SrsNewArgs};
use crate::ui::Output;
use eyre::WrapErr;
use halocast_prover::srs::{self, SrsInfo};
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn new(args: SrsNewArgs, out: &Output) -> eyre::Result<ExitCode> {
    let path = match args.out {
        Some(path) => path,
        None => srs::development_file(&srs::default_cache_dir(), args.k),
    };
    let info = srs::write_development(&path, args.k)
        .wrap_err_with(|| format!("cannot make {}", path.display()))?;
    show(&path, &info, out)
}

pub(crate) fn import(args: SrsImportArgs, out: &Output) -> eyre::Result<ExitCode> {
    let info = srs::import_ptau(&args.ptau, args.k, args.sha256.map(|d| d.0), &args.out)
        .wrap_err_with(|| format!("cannot import {}", args.ptau.display()))?;
    show(&args.out, &info, out)
}

pub(crate) fn info(args: SrsInfoArgs, out: &Output) -> eyre::Result<ExitCode> {
    let info = srs::srs_info(&args.file)
        .wrap_err_with(|| format!("{} is no usable string", args.file.display()))?;
    show(&args.file, &info, out)
}

fn show(path: &Path, info: &SrsInfo, out: &Output) -> eyre::Result<ExitCode> {
    let mut value = serde_json::to_value(info)?;
    value["path"] = serde_json::json!(path);
    value["insecure"] = serde_json::json!(info.is_insecure());
    out.result(&value, || {
        format!(
            "{}: 2^{} points, {}\nid {}",
            path.display(),
            info.k,
            info.origin,
            info.id
        )
    })?;
    Ok(ExitCode::SUCCESS)
}
