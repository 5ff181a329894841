//! Tract's part: protobuf, shape inference, constant folding. The result is a typed model at the "middle level":
//! constants folded and local rewrites done, but none of the passes that permute axes (they make more cases and gain
//! nothing for a circuit).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::optim::Optimizer;

use super::error::ImportError;
use super::precheck;

/// The loaded model and the names of its outputs as the ONNX file spells them.
pub(super) struct Loaded {
    pub(super) model: TypedModel,
    pub(super) outputs: Vec<String>,
    /// Weights that hold −∞: masks, unless it survives the removal of masks.
    pub(super) suspects: Vec<(String, usize)>,
}

/// The protobuf of a file.
pub(super) fn read(path: &Path) -> Result<ModelProto, ImportError> {
    // Opened here first so that the error is the system's and not a text.
    std::fs::File::open(path).map_err(|source| ImportError::Io {
        path: path.to_owned(),
        source,
    })?;
    match guarded("protobuf", || tract_onnx::onnx().proto_model_for_path(path)) {
        Err(ImportError::Library { reason, .. }) => Err(ImportError::Malformed { reason }),
        result => result,
    }
}

/// Brings a model up to the middle level. `dir` is where its external data lies.
pub(super) fn load(proto: &ModelProto, dir: Option<&Path>) -> Result<Loaded, ImportError> {
    let graph = precheck::check(proto)?;
    let outputs = graph.output.iter().map(|o| o.name.clone()).collect();
    let model = parse(proto, dir.and_then(Path::to_str))?;
    let suspects = check_weights(&model)?;
    let mut model = guarded("shapes and types", || model.into_typed())?;
    guarded("constant folding", || middle_level()?.optimize(&mut model))?;
    Ok(Loaded {
        model,
        outputs,
        suspects,
    })
}

/// Runs a step of tract. It panics on some damaged files (indexing, arithmetic, `unimplemented!`): a panic becomes an
/// error like any other.
fn guarded<T>(
    stage: &'static str,
    step: impl FnOnce() -> TractResult<T>,
) -> Result<T, ImportError> {
    let library = |reason: String| ImportError::Library { stage, reason };
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(result) => result.map_err(|e| library(format!("{e:#}"))),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(library(text.unwrap_or("the library gave up").to_owned()))
        }
    }
}

fn parse(proto: &ModelProto, dir: Option<&str>) -> Result<InferenceModel, ImportError> {
    // Intermediate shapes that the file states may contradict the inputs' and are inferred anyway.
    let onnx = tract_onnx::onnx().with_ignore_value_info(true);
    let parsed = guarded("operators", || onnx.parse(proto, dir))?;
    match parsed.unresolved_inputs.first() {
        Some(name) => Err(ImportError::malformed(format!("nothing writes `{name}`"))),
        None => Ok(parsed.model),
    }
}

/// Tract's own passes, less those that move axes about.
fn middle_level() -> TractResult<Optimizer> {
    let mut optimizer = Optimizer::declutter();
    // The pass types are private: they are told by their names.
    optimizer.passes.retain(|pass| {
        let name = format!("{pass:?}");
        name.starts_with("PropConst") || name == "declutter"
    });
    if optimizer.passes.len() != 2 {
        return Err(TractError::msg("tract's list of passes has changed"));
    }
    Ok(optimizer)
}

/// NaN and +∞ in weights are refused here, where they still have their ONNX names; −∞ may be a mask.
fn check_weights(model: &InferenceModel) -> Result<Vec<(String, usize)>, ImportError> {
    let mut suspects = Vec::new();
    for node in model.nodes() {
        let Some(tensor) = node.op_as::<Const>().map(Const::val) else {
            continue;
        };
        if !tensor.datum_type().is_float() {
            continue;
        }
        let values = guarded("weights", || floats(tensor))?;
        let bad = |x: f32| x.is_nan() || (x == f32::INFINITY && values.len() > 1);
        if let Some(index) = values.iter().position(|&x| bad(x)) {
            return Err(ImportError::NonFinite {
                tensor: node.name.clone(),
                index,
                value: values[index],
            });
        }
        if let Some(index) = values.iter().position(|&x| x == f32::NEG_INFINITY) {
            suspects.push((node.name.clone(), index));
        }
    }
    Ok(suspects)
}

/// A tensor's elements as f32, row-major.
pub(super) fn floats(tensor: &Tensor) -> TractResult<Vec<f32>> {
    let cast = tensor.cast_to::<f32>()?;
    Ok(cast.to_plain_array_view::<f32>()?.iter().copied().collect())
}
