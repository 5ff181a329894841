//! `halocast calibrate`

use super::setup::stage;
use crate::args::CalibrateArgs;
use crate::ui::{Bars, Output, size_text};
use eyre::WrapErr;
use halocast_prover::costs::default_costs_file;
use halocast_prover::pipeline::{self, CalibrateOptions, CalibrationReport};
use std::fmt::{Error, Write};
use std::process::ExitCode;

pub(crate) fn run(args: CalibrateArgs, out: &Output) -> eyre::Result<ExitCode> {
    let options = CalibrateOptions {
        stage: stage(args.stage),
        out: args.out.unwrap_or_else(default_costs_file),
    };
    let report = pipeline::calibrate(&options, &Bars::new()).wrap_err("cannot calibrate")?;
    out.result(&report, || text(&report).unwrap_or_default())?;
    Ok(ExitCode::SUCCESS)
}

fn text(report: &CalibrationReport) -> Result<String, Error> {
    let mut s = String::new();
    writeln!(s, "{}: {}", report.file.display(), report.costs.origin)?;
    writeln!(
        s,
        "{:36} {:>8} {:>10} {:>8} {:>11} {:>11} {:>11}",
        "", "CPU s", "predicted", "before", "memory", "predicted", "before"
    )?;
    for line in &report.compared {
        writeln!(
            s,
            "{:36} {:>8.1} {:>10.1} {:>8.1} {:>11} {:>11} {:>11}",
            line.what,
            line.cpu_s,
            line.predicted_cpu_s,
            line.before_cpu_s,
            size_text(line.peak_bytes),
            size_text(line.predicted_bytes),
            size_text(line.before_bytes)
        )?;
    }
    let (layer, aggregation) = (&report.costs.layer, &report.costs.aggregation);
    write!(
        s,
        "a layer proof: {:.2} CPU s for each million of k·2^k, {:.1} for each million of rows, {:.0} bytes for each row of the \
         domain\nan aggregation: {:.2} times the built-in CPU seconds, {:.2} times the bytes",
        layer.cpu_s_per_million,
        layer.cpu_s_per_row * 1e6,
        layer.bytes_per_row,
        aggregation.cpu_scale,
        aggregation.byte_scale
    )?;
    Ok(s)
}
