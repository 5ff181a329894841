//! The manifest of a compiled model.

use super::PipelineError;
use crate::bundle::{Compiled, FORMAT, Interface, Manifest, Packing, SegmentSummary};
use crate::costs::{CostModel, rounded};
use halocast_circuit::{Segment, SpanSize};
use halocast_ir::Program;
use std::collections::BTreeMap;
use std::path::Path;

/// `models/tinygemma/model.onnx` is called tinygemma, `mlp.onnx` mlp.
pub(super) fn model_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let parent = path.parent().and_then(Path::file_name);
    match (stem.as_ref(), parent) {
        ("model", Some(parent)) => parent.to_string_lossy().into_owned(),
        _ => stem.into_owned(),
    }
}

/// Without files and plan.
pub(super) fn manifest(
    name: &str,
    compiled: &Compiled,
    model: &CostModel,
) -> Result<Manifest, PipelineError> {
    let interface = Interface::of(&compiled.quantized);
    let proven = compiled.proven()?;
    let segments = compiled.segments.iter();
    let summaries = segments.map(|s| summary(&proven, s, model));
    Ok(Manifest {
        format: FORMAT,
        halocast: env!("CARGO_PKG_VERSION").into(),
        name: name.into(),
        task: interface.task,
        inputs: interface.inputs,
        outputs: interface.outputs,
        packing: Packing::current(),
        input_words: interface.input_words,
        output_words: interface.output_words,
        items: compiled.items,
        segments: summaries.collect::<Result<_, _>>()?,
        plan: None,
        setup: None,
        files: BTreeMap::new(),
        checksum: String::new(),
    })
}

fn summary(
    program: &Program,
    segment: &Segment,
    model: &CostModel,
) -> Result<SegmentSummary, PipelineError> {
    let report = halocast_circuit::report(program, segment)?;
    let span = SpanSize {
        k: segment.k,
        rows: report.rows,
    };
    Ok(SegmentSummary {
        name: segment.name.clone(),
        k: segment.k,
        ops: [segment.ops.start, segment.ops.end],
        rows: report.rows,
        table_rows: report.table_rows,
        columns: report.columns,
        points: report.points,
        predicted_cpu_s: rounded(model.layer.cpu_s(span)),
        predicted_peak_bytes: model.layer.peak_bytes(segment.k),
    })
}
