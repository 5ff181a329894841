//! Folds between the layer proofs and the proof for the chain: their key in a bundle, the folds in a job.

use super::strings::Strings;
use super::{Event, PipelineError, Progress};
use crate::aggregate::{AggregationConfig, FoldKey, FoldShape, FoldVk, InnerProof, Objective};
use crate::bundle::{Bundle, FOLD_KEY, FileEntry, Job, hash_file};
use halo2_base::halo2_proofs::halo2curves::bn256::G1Affine;
use snark_verifier::verifier::plonk::PlonkProtocol;

/// Proofs of a fold where nothing is asked for.
const CAPACITY: usize = 8;

/// How many layer proofs a fold takes; 0: no folds. An aggregation of a fold has as few columns as one of four layer
/// proofs, so beyond four a fold saves gas; it costs a proof more, and saves memory when there are many.
pub(super) fn capacity(asked: Option<usize>, objective: Objective, segments: usize) -> usize {
    let direct = match objective {
        Objective::Total => 16,
        Objective::Gas => 4,
    };
    match asked {
        Some(capacity) => capacity,
        None if segments <= direct => 0,
        None => CAPACITY.min(segments),
    }
}

/// Makes and writes the key. Folds are never seen by a chain, so their layout is chosen for the prover's time.
pub(super) fn make_key(
    bundle: &Bundle,
    strings: &Strings,
    layer: &PlonkProtocol<G1Affine>,
    capacity: usize,
    config: AggregationConfig,
) -> Result<(FoldVk, FileEntry), PipelineError> {
    let shape = FoldShape::layers(layer, capacity)?;
    let config = AggregationConfig {
        objective: Objective::Total,
        ..config
    };
    let key = FoldKey::keygen(strings.store(), strings.source(), shape, &config)?;
    let path = bundle.path(FOLD_KEY);
    key.write(&path)?;
    Ok((key.vk().clone(), hash_file(&path)?))
}

/// Folds layer proofs in order. Each fold is stored in the job once it is made; what is there and good is kept.
pub(super) fn fold(
    bundle: &Bundle,
    strings: &mut Strings,
    job: &Job,
    proofs: &[InnerProof],
    progress: &dyn Progress,
) -> Result<Vec<InnerProof>, PipelineError> {
    let key = FoldKey::read(&bundle.path(FOLD_KEY))?;
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
        let (first, last) = (
            index * key.vk().capacity(),
            index * key.vk().capacity() + group.len() - 1,
        );
        let what = format!("layer proofs {first} to {last}");
        progress.event(Event::Step {
            stage,
            index,
            what: &what,
        });
        let file = format!("fold-{index}.proof");
        let stored = job.load(&file, "fold-proof");
        let stored = stored.and_then(|bytes| key.vk().from_bytes(&bytes).ok());
        let fold = match stored.filter(|fold| is_of(&key, fold, group)) {
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

/// Whether a stored fold is valid and about these proofs.
fn is_of(key: &FoldKey, fold: &InnerProof, group: &[InnerProof]) -> bool {
    let about = |fold: &InnerProof| {
        let wanted = group.iter().map(InnerProof::item);
        fold.item()
            .items
            .into_iter()
            .zip(wanted)
            .all(|(a, b)| a == b)
    };
    key.vk().verify(fold).is_ok() && about(fold)
}
