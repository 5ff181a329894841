//! `halocast inspect`

use crate::args::InspectArgs;
use crate::plan_text;
use crate::ui::{Output, size_text};
use eyre::WrapErr;
use halocast_prover::bundle::{Bundle, Manifest, TensorSpec};
use std::fmt::Write;
use std::process::ExitCode;

pub(crate) fn run(args: InspectArgs, out: &Output) -> eyre::Result<ExitCode> {
    let bundle = super::open(&args.bundle)?;
    if !args.quick {
        bundle.check_all(|_| ()).wrap_err("the bundle is damaged")?;
    }
    let manifest = bundle.manifest();
    out.result(manifest, || text(&bundle, manifest).unwrap_or_default())?;
    Ok(ExitCode::SUCCESS)
}

fn text(bundle: &Bundle, m: &Manifest) -> Result<String, std::fmt::Error> {
    let mut s = String::new();
    writeln!(
        s,
        "model     {} (halocast {}, format {})",
        m.name, m.halocast, m.format
    )?;
    writeln!(s, "task      {:?}", m.task)?;
    for (what, specs) in [("input", &m.inputs), ("output", &m.outputs)] {
        for spec in specs {
            writeln!(s, "{what:9} {}", tensor(spec))?;
        }
    }
    writeln!(
        s,
        "public    {} input + {} output words of {} x {} bits, commitment, context",
        m.input_words, m.output_words, m.packing.values_per_word, m.packing.value_bits
    )?;
    if m.items > 1 {
        writeln!(
            s,
            "items     {} a proof, each with words of its own",
            m.items
        )?;
    }
    writeln!(
        s,
        "\nsegments\n  {:24} {:>3} {:>9} {:>7} {:>6} {:>9} {:>10}",
        "name", "k", "rows", "columns", "points", "CPU s", "memory"
    )?;
    for seg in &m.segments {
        writeln!(
            s,
            "  {:24} {:>3} {:>9} {:>7} {:>6} {:>9.1} {:>10}",
            seg.name,
            seg.k,
            seg.rows,
            seg.columns.iter().sum::<usize>(),
            seg.points,
            seg.predicted_cpu_s,
            size_text(seg.predicted_peak_bytes)
        )?;
    }
    if let Some(plan) = &m.plan {
        write!(s, "\n{}", plan_text::table(plan)?)?;
    }
    writeln!(s)?;
    match &m.setup {
        None => writeln!(
            s,
            "setup     none yet: halocast setup {}",
            bundle.root().display()
        )?,
        Some(setup) => {
            let kind = if setup.srs_insecure {
                "INSECURE development string"
            } else {
                "ceremony string"
            };
            writeln!(s, "srs       {kind} {}", setup.srs)?;
            if let Some(commitment) = &setup.model_commitment {
                writeln!(s, "model id  {commitment}")?;
            }
            if let Some(a) = &setup.aggregate {
                writeln!(
                    s,
                    "aggregate k = {}, {} cells, key digest {}",
                    a.k, a.cells, a.vk_digest
                )?;
            }
        }
    }
    let bytes: u64 = m.files.values().map(|f| f.bytes).sum();
    write!(s, "files     {}, {}", m.files.len(), size_text(bytes))?;
    Ok(s)
}

fn tensor(spec: &TensorSpec) -> String {
    format!(
        "{} {:?} {} (integer / 2^{})",
        spec.name, spec.shape, spec.dtype, spec.scale
    )
}
