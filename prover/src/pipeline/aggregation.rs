//! The seam to [`crate::aggregate`]: its keys in a bundle, layer proofs into it, outer proofs out of it.

use super::strings::Strings;
use super::words::{field_from_hex, field_to_hex, word_to_field};
use super::{AggregationOptions, PipelineError, Progress, ProofBody, Statement, fold};
use crate::aggregate::{
    AggregationKey, AggregationRequest, AggregationShape, AggregationVk, InnerProof,
    InputVisibility, InstanceLayout, Openings, OuterProof, Snark, Stated, StatementShape,
    fold_capacity, model_commitment,
};
use crate::bundle::{
    AGGREGATE_KEY, AGGREGATE_VK, AggregateSummary, Bundle, BundleError, FOLD_KEY, FileEntry,
    Header, Job, Mode, SALT, hash_file, write_container,
};
use halo2_base::halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_base::halo2_proofs::halo2curves::ff::PrimeField;
use halocast_circuit::{LayerKey, LayerProof};
use snark_verifier::verifier::plonk::PlonkProtocol;

const VK: &str = "aggregate-vk";

fn invalid(what: impl Into<String>) -> PipelineError {
    PipelineError::Invalid { what: what.into() }
}

/// What the aggregation knows of each segment.
fn protocols(
    bundle: &Bundle,
    strings: &mut Strings,
    keys: &[LayerKey],
) -> Result<Vec<PlonkProtocol<G1Affine>>, PipelineError> {
    let mut out = Vec::new();
    for (key, segment) in keys.iter().zip(bundle.segments()) {
        out.push(key.protocol(&strings.get(segment.k)?.params));
    }
    Ok(out)
}

/// The salt of the model's commitment.
pub(super) fn read_salt(bundle: &Bundle) -> Result<Fr, PipelineError> {
    let path = bundle.path(SALT);
    let bytes = std::fs::read(&path).map_err(|e| BundleError::io(&path, e))?;
    let repr: [u8; 32] = bytes
        .try_into()
        .map_err(|_| BundleError::malformed(&path, "it does not have 32 bytes"))?;
    let salt: Option<Fr> = Fr::from_repr(repr).into();
    Ok(salt.ok_or_else(|| BundleError::malformed(&path, "it is no field element"))?)
}

/// The model's commitment under a salt.
pub(super) fn commitment(
    bundle: &Bundle,
    strings: &mut Strings,
    keys: &[LayerKey],
    salt: Fr,
) -> Result<String, PipelineError> {
    let protocols = protocols(bundle, strings, keys)?;
    let refs: Vec<_> = protocols.iter().collect();
    Ok(field_to_hex(&model_commitment(&refs, salt)))
}

fn header(bundle: &Bundle) -> Header {
    let setup = bundle.manifest().setup.as_ref();
    Header {
        kind: VK.into(),
        model: Some(bundle.model_digest().to_owned()),
        srs: setup.map(|s| s.srs.clone()),
        segment: None,
        job: None,
    }
}

/// Whether good keys of the kind asked for are there already; they are read once through to know.
pub(super) fn key_is_there(bundle: &Bundle, options: &AggregationOptions) -> bool {
    let manifest = bundle.manifest();
    let good = |file: &str| {
        let recorded = manifest.files.get(file);
        recorded.is_some_and(|e| hash_file(&bundle.path(file)).is_ok_and(|f| f == *e))
    };
    let Some(summary) = summary(bundle) else {
        return false;
    };
    // A key does not say which width or memory it was made for.
    let as_asked = options.width.is_none()
        && options.max_memory.is_none()
        && options.objective.is_none_or(|o| o == summary.objective)
        && options.fold.is_none_or(|n| n == folded(summary));
    let folds = summary.fold.is_none() || good(FOLD_KEY);
    as_asked && folds && load_vk(bundle).is_ok() && good(AGGREGATE_KEY)
}

/// Layer proofs of a fold; 0 for no folds.
fn folded(summary: &AggregateSummary) -> usize {
    summary.fold.as_ref().map_or(0, |fold| fold.capacity)
}

fn summary(bundle: &Bundle) -> Option<&AggregateSummary> {
    bundle.manifest().setup.as_ref()?.aggregate.as_ref()
}

/// Makes and writes the keys; their files count once they are in the manifest.
pub(super) fn make_key(
    bundle: &Bundle,
    strings: &mut Strings,
    keys: Vec<LayerKey>,
    options: &AggregationOptions,
) -> Result<(Vec<(String, FileEntry)>, AggregateSummary), PipelineError> {
    let protocols = protocols(bundle, strings, &keys)?;
    let manifest = bundle.manifest();
    // The strings that the layouts need are only known inside; ours must not stay in memory beside them.
    strings.forget();
    let before = summary(bundle);
    let config = options.config(before, manifest.plan.as_ref());
    // Another objective may be served by another tree.
    let same = before.filter(|s| s.objective == config.objective);
    let asked = options.fold.or(same.map(folded));
    let capacity = asked.unwrap_or_else(|| fold_capacity(config.objective, protocols.len()));
    let words = |of_item: usize| manifest.items * of_item;
    let (inputs, outputs) = (words(manifest.input_words), words(manifest.output_words));
    let visibility = InputVisibility::Public;
    let (mut files, mut folds) = (vec![], None);
    let shape = if capacity == 0 {
        let protocols: Vec<_> = protocols.iter().collect();
        AggregationShape::new(&protocols, inputs, outputs, visibility)?
    } else {
        let (vk, entry) = fold::make_key(bundle, strings, &protocols, capacity, config)?;
        folds = Some(fold::summary(&vk));
        files.push((FOLD_KEY.into(), entry));
        let statement = StatementShape {
            segments: protocols.len(),
            input_words: inputs,
            output_words: outputs,
            visibility,
        };
        AggregationShape::over_folds(&vk, &[statement])?
    };
    let key = AggregationKey::keygen(strings.store(), strings.source(), shape, &config)?;
    let path = bundle.path(AGGREGATE_KEY);
    key.write(&path)?;
    let entry = hash_file(&path)?;
    let vk = key.vk();
    let bytes = bincode::serialize(vk).map_err(|e| BundleError::malformed(&path, e))?;
    let vk_path = bundle.path(AGGREGATE_VK);
    let header = header(bundle);
    let vk_entry = write_container(&vk_path, Mode::Public, &header, |w| w.write_all(&bytes))?;
    let summary = AggregateSummary {
        k: key.k(),
        cells: key.cells().0 as u64,
        vk_digest: hex::encode(vk.digest()),
        objective: config.objective,
        fold: folds,
    };
    files.push((AGGREGATE_KEY.into(), entry));
    files.push((AGGREGATE_VK.into(), vk_entry));
    Ok((files, summary))
}

/// The outer verifying key of a bundle that is set up: what verifies proofs, and what contracts are generated from.
pub fn load_vk(bundle: &Bundle) -> Result<AggregationVk, PipelineError> {
    if !bundle.manifest().files.contains_key(AGGREGATE_VK) {
        return Err(bundle.stage_missing("aggregation key", "setup").into());
    }
    let path = bundle.path(AGGREGATE_VK);
    let reader = bundle.open_own(AGGREGATE_VK, VK)?;
    if reader.header != header(bundle) {
        return Err(BundleError::Foreign {
            path,
            what: "reference string",
            got: format!("{:?}", reader.header.srs),
            expected: format!("{:?}", header(bundle).srs),
        }
        .into());
    }
    let bytes = reader.bytes(&path)?;
    let vk: AggregationVk =
        bincode::deserialize(&bytes).map_err(|e| BundleError::malformed(&path, e))?;
    check_digest(bundle, &path, &vk)?;
    Ok(vk)
}

/// Key and manifest must speak of the same circuit.
fn check_digest(
    bundle: &Bundle,
    path: &std::path::Path,
    vk: &AggregationVk,
) -> Result<(), PipelineError> {
    let summary = bundle.manifest().setup.as_ref();
    let expected = summary.and_then(|s| s.aggregate.as_ref());
    let expected = expected.map(|a| a.vk_digest.clone()).unwrap_or_default();
    let got = hex::encode(vk.digest());
    match got == expected {
        true => Ok(()),
        false => Err(BundleError::Foreign {
            path: path.to_owned(),
            what: "model",
            got,
            expected,
        }
        .into()),
    }
}

/// Proves, over folds if the key is for folds; the result is verified.
pub(super) fn prove(
    bundle: &Bundle,
    strings: &mut Strings,
    job: &Job,
    progress: &dyn Progress,
    proofs: Vec<LayerProof>,
    statement: &Statement,
    salts: [Fr; 2],
) -> Result<ProofBody, PipelineError> {
    let keys = super::keys::load_all(bundle)?;
    let protocols = protocols(bundle, strings, &keys)?;
    let mut proofs: Vec<InnerProof> = protocols
        .into_iter()
        .zip(proofs)
        .map(|(protocol, p)| Snark::new(protocol, vec![p.instances.to_vec()], p.proof).into())
        .collect();
    if let Some(folds) = summary(bundle).and_then(|s| s.fold.as_ref()) {
        proofs = fold::fold(bundle, strings, job, folds, &proofs, progress)?;
    }
    let openings = Openings {
        salt_in: salts[0],
        inputs: statement.inputs.iter().map(word_to_field).collect(),
        salt_out: salts[1],
        outputs: statement.outputs.iter().map(word_to_field).collect(),
    };
    let path = bundle.path(AGGREGATE_KEY);
    let key = AggregationKey::read(&path)?;
    check_digest(bundle, &path, key.vk())?;
    let request = AggregationRequest {
        proofs: &proofs,
        statements: &[Stated {
            openings: &openings,
            model_salt: read_salt(bundle)?,
            context: statement.context,
        }],
    };
    let outer = key.prove(strings.get(key.k())?, request, rand::rngs::OsRng)?;
    Ok(ProofBody::Evm {
        instances: outer.instances.iter().map(field_to_hex).collect(),
        proof: format!("0x{}", hex::encode(&outer.proof)),
    })
}

/// The outer proof of a file, parsed.
pub fn outer_proof(body: &ProofBody) -> Result<OuterProof, PipelineError> {
    let ProofBody::Evm { instances, proof } = body else {
        return Err(invalid("it is a layers proof, not an aggregated one"));
    };
    let parse = |(i, s): (usize, &String)| field_from_hex(s, &format!("instances[{i}]"));
    let instances = instances
        .iter()
        .enumerate()
        .map(parse)
        .collect::<Result<_, _>>()?;
    let digits = proof.strip_prefix("0x").unwrap_or(proof);
    let proof = hex::decode(digits).map_err(|e| PipelineError::Number {
        place: "proof".into(),
        what: e.to_string(),
    })?;
    Ok(OuterProof { instances, proof })
}

/// Everything that the contract checks, and that the public words are the statement's.
pub(super) fn verify(
    bundle: &Bundle,
    statement: &Statement,
    body: &ProofBody,
) -> Result<(), PipelineError> {
    let outer = outer_proof(body)?;
    let vk = load_vk(bundle)?;
    let layout = vk.layout();
    if outer.instances.len() != layout.total() {
        let (got, expected) = (outer.instances.len(), layout.total());
        return Err(invalid(format!(
            "{got} public words, the key is for {expected}"
        )));
    }
    let words = |w: &[halocast_ir::Word]| w.iter().map(word_to_field).collect::<Vec<Fr>>();
    let model = field_from_hex(bundle.commitment().unwrap_or_default(), "model commitment")?;
    let at = |range: std::ops::Range<usize>| outer.instances.get(range).unwrap_or_default();
    let checks = [
        (
            "model commitment",
            at(InstanceLayout::MODEL..InstanceLayout::MODEL + 1),
            vec![model],
        ),
        ("inputs", at(layout.inputs()), words(&statement.inputs)),
        ("outputs", at(layout.outputs()), words(&statement.outputs)),
        (
            "context",
            at(layout.context()..layout.context() + 1),
            vec![statement.context],
        ),
    ];
    for (what, got, expected) in checks {
        if got != expected {
            return Err(invalid(format!("its public words are about other {what}")));
        }
    }
    vk.verify(&outer).map_err(|e| invalid(e.to_string()))
}
