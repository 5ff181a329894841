//! Verification of both kinds of proof against a bundle. What is checked is said; what is not is not claimed.

use super::strings::Strings;
use super::words::{field_from_hex, field_to_hex, word_to_field, word_to_hex};
use super::{LayerEntry, PipelineError, ProofBody, ProofFile, Statement, aggregation, keys};
use crate::bundle::{Bundle, TensorSpec};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halocast_circuit::{LayerProof, boundary_commitment};
use halocast_ir::{Word, unpack, word_count};
use serde::Serialize;

/// What was found valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Always true: what is not valid is an error.
    pub valid: bool,
    /// "layers" or "evm".
    pub kind: &'static str,
    /// Commitment of the model.
    pub model: String,
    /// Number of layer proofs that were verified; 0 for an aggregated proof.
    pub layers: usize,
    /// The context that the proof is bound to; empty for a layers proof, which binds none.
    pub context: String,
    /// Public input words.
    pub inputs: Vec<String>,
    /// Public output words.
    pub outputs: Vec<String>,
}

fn invalid(what: impl Into<String>) -> PipelineError {
    PipelineError::Invalid { what: what.into() }
}

/// Verifies a proof. [`PipelineError::Invalid`], [`PipelineError::OtherModel`] and [`PipelineError::Number`] say that the
/// proof is at fault; other errors that it could not be checked.
pub fn verify(bundle: &Bundle, proof: &ProofFile) -> Result<Verdict, PipelineError> {
    let Some(model) = bundle.commitment() else {
        return Err(bundle.stage_missing("keys", "setup").into());
    };
    if field_from_hex(&proof.model, "model")? != field_from_hex(model, "model")? {
        return Err(PipelineError::OtherModel {
            got: proof.model.clone(),
            expected: model.to_owned(),
        });
    }
    let statement = proof.statement()?;
    let manifest = bundle.manifest();
    let items = manifest.items;
    check_words(&statement.inputs, &manifest.inputs, items, "input")?;
    check_words(&statement.outputs, &manifest.outputs, items, "output")?;
    let layers = match &proof.body {
        ProofBody::Layers { layers, salts } => {
            verify_layers(bundle, &statement, layers, salts)?;
            layers.len()
        }
        ProofBody::Evm { .. } => {
            aggregation::verify(bundle, &statement, &proof.body)?;
            0
        }
    };
    Ok(Verdict {
        valid: true,
        kind: proof.kind(),
        model: model.to_owned(),
        layers,
        context: match layers {
            0 => field_to_hex(&statement.context),
            _ => String::new(),
        },
        inputs: statement.inputs.iter().map(word_to_hex).collect(),
        outputs: statement.outputs.iter().map(word_to_hex).collect(),
    })
}

/// Words must be as many as the model has, and canonical packings, each item's.
fn check_words(
    words: &[Word],
    specs: &[TensorSpec],
    items: usize,
    what: &str,
) -> Result<(), PipelineError> {
    let count = specs.iter().map(TensorSpec::len).sum();
    let each = word_count(count);
    let packed = |item: &[Word]| unpack(item, count).is_some();
    match words.len() == items * each && words.chunks(each.max(1)).all(packed) {
        true => Ok(()),
        false => Err(invalid(format!(
            "its {} {what} words do not pack the {count} {what} values of {items} items",
            words.len()
        ))),
    }
}

/// Every layer proof, the chain of their boundaries, and the public words at both ends.
fn verify_layers(
    bundle: &Bundle,
    statement: &Statement,
    layers: &[LayerEntry],
    salts: &[String; 2],
) -> Result<(), PipelineError> {
    let segments = bundle.segments();
    if layers.len() != segments.len() {
        let what = format!(
            "{} layer proofs, the model has {}",
            layers.len(),
            segments.len()
        );
        return Err(invalid(what));
    }
    let setup = bundle.manifest().setup.as_ref();
    let setup = setup.ok_or_else(|| bundle.stage_missing("keys", "setup"))?;
    let mut strings = Strings::of_setup(setup);
    let mut boundary = open_boundary(&salts[0], &statement.inputs)?;
    for (index, (entry, segment)) in layers.iter().zip(segments).enumerate() {
        let proof = parse(entry, index)?;
        if proof.instances[0] != boundary {
            let what = match index {
                0 => "the public inputs are not those of the first layer".to_owned(),
                _ => format!(
                    "layer {index} does not begin where layer {} ends",
                    index - 1
                ),
            };
            return Err(invalid(what));
        }
        let key = keys::load(bundle, index)?;
        let params = &strings.get(segment.k)?.params;
        halocast_circuit::verify(params, &key, segment, &proof)
            .map_err(|e| invalid(format!("layer {index}: {e}")))?;
        boundary = proof.instances[1];
    }
    match open_boundary(&salts[1], &statement.outputs)? == boundary {
        true => Ok(()),
        false => Err(invalid(
            "the public outputs are not those of the last layer",
        )),
    }
}

/// The commitment to public words under a salt.
fn open_boundary(salt: &str, words: &[Word]) -> Result<Fr, PipelineError> {
    let salt = field_from_hex(salt, "salts")?;
    let words: Vec<Fr> = words.iter().map(word_to_field).collect();
    Ok(boundary_commitment(salt, &words))
}

fn parse(entry: &LayerEntry, index: usize) -> Result<LayerProof, PipelineError> {
    let field = |i: usize| {
        field_from_hex(
            &entry.instances[i],
            &format!("layers[{index}].instances[{i}]"),
        )
    };
    let digits = entry.proof.strip_prefix("0x").unwrap_or(&entry.proof);
    Ok(LayerProof {
        instances: [field(0)?, field(1)?],
        proof: hex::decode(digits).map_err(|e| PipelineError::Number {
            place: format!("layers[{index}].proof"),
            what: e.to_string(),
        })?,
    })
}
