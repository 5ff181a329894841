//! Folds between the layer proofs and the proof for the chain: their key in a bundle, the folds in a job.

use super::strings::Strings;
use super::{Event, PipelineError, Progress};
use crate::aggregate::{
    AggregateError, AggregationConfig, FoldKey, FoldShape, FoldVk, InnerProof, Objective,
};
use crate::bundle::{Bundle, BundleError, FOLD_KEY, FileEntry, FoldSummary, Job, hash_file};
use halo2_base::halo2_proofs::halo2curves::bn256::G1Affine;
use snark_verifier::verifier::plonk::PlonkProtocol;

/// Makes and writes the key. Folds are never seen by a chain, so their layout is chosen for the prover's time.
pub(super) fn make_key(
    bundle: &Bundle,
    strings: &Strings,
    layers: &[PlonkProtocol<G1Affine>],
    capacity: usize,
    config: AggregationConfig,
) -> Result<(FoldVk, FileEntry), PipelineError> {
    let shape = FoldShape::layers(&layers[0], capacity)?;
    for (segment, layer) in layers.iter().enumerate() {
        let taken = shape.takes(layer);
        taken.map_err(|reason| AggregateError::UnsupportedSegment { segment, reason })?;
    }
    let config = AggregationConfig {
        objective: Objective::Total,
        ..config
    };
    let key = FoldKey::keygen(strings.store(), strings.source(), shape, &config)?;
    let path = bundle.path(FOLD_KEY);
    key.write(&path)?;
    Ok((key.vk().clone(), hash_file(&path)?))
}

/// What the manifest remembers of a key.
pub(super) fn summary(vk: &FoldVk) -> FoldSummary {
    FoldSummary {
        capacity: vk.capacity(),
        vk_digest: hex::encode(vk.digest()),
    }
}

/// The key that the aggregation was made for.
fn load_key(bundle: &Bundle, expected: &FoldSummary) -> Result<FoldKey, PipelineError> {
    let path = bundle.path(FOLD_KEY);
    let key = FoldKey::read(&path)?;
    let got = summary(key.vk());
    match got == *expected {
        true => Ok(key),
        false => Err(BundleError::Foreign {
            path,
            what: "aggregation key",
            got: got.vk_digest,
            expected: expected.vk_digest.clone(),
        }
        .into()),
    }
}

/// Folds layer proofs in order. Each fold is stored in the job once it is made; what is there and good is kept.
pub(super) fn fold(
    bundle: &Bundle,
    strings: &mut Strings,
    job: &Job,
    expected: &FoldSummary,
    proofs: &[InnerProof],
    progress: &dyn Progress,
) -> Result<Vec<InnerProof>, PipelineError> {
    let key = load_key(bundle, expected)?;
    let groups = proofs.chunks(key.vk().capacity());
    let stage = "fold";
    progress.event(Event::Started {
        stage,
        steps: groups.len(),
    });
    let mut folds = Vec::new();
    for (index, group) in groups.enumerate() {
        if progress.cancelled() {
            return Err(PipelineError::Cancelled);
        }
        let first = index * key.vk().capacity();
        let last = first + group.len() - 1;
        let what = format!("layer proofs {first} to {last}");
        progress.event(Event::Step {
            stage,
            index,
            what: &what,
        });
        let file = format!("fold-{index}.proof");
        let stored = job.load(&file, "fold-proof");
        let stored = stored.and_then(|bytes| key.vk().from_bytes(&bytes).ok());
        let fold = match stored.filter(|fold| key.vk().is_fold_of(fold, group)) {
            Some(fold) => fold,
            None => {
                let srs = strings.get(key.k())?;
                let fold = key.prove(srs, group, rand::rngs::OsRng)?;
                job.store(&file, "fold-proof", &key.vk().to_bytes(&fold))?;
                fold
            }
        };
        folds.push(fold);
    }
    Ok(folds)
}
