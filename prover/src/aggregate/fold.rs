//! Folds: a proof that n proofs were verified, which says nothing about what they mean. The same circuit takes layer
//! proofs of any segments of any models (keys and domain sizes are witnesses), and another the folds of one key, so that
//! layer proofs are folded as they come, on several machines, and one small aggregation makes the statement.
//!
//! Public words: accumulator limbs | D (see `items.rs`). Whoever takes a fold finishes its accumulator and compares its key.

use super::{
    AggregateError, AggregationConfig, InnerProof, KeygenError,
    accumulator::random_pair,
    assembly::AggregationCircuit,
    circuit::Exposed,
    circuit_key::CircuitKey,
    commitment::segment_key_digest,
    inner::check_proofs,
    items::Item,
    slot::{PUBLIC_WORDS_PER_FOLD, Slot},
};
use crate::srs::{Srs, SrsId, SrsOrigin, SrsSource, SrsStore, sealed::Format};
use halo2_base::halo2_proofs::{
    halo2curves::bn256::{Bn256, Fr, G1Affine},
    poly::commitment::ParamsProver,
};
use rand::{CryptoRng, RngCore};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use snark_verifier::{
    loader::native::NativeLoader,
    pcs::kzg::KzgDecidingKey,
    system::halo2::{Config, compile},
    verifier::plonk::PlonkProtocol,
};
use snark_verifier_sdk::{
    Snark,
    halo2::{POSEIDON_SPEC, PoseidonTranscript},
};
use std::path::Path;

/// Most proofs that one fold takes.
pub const MAX_FOLD: usize = 32;

const FORMAT: Format = Format {
    kind: "fold-key",
    version: 2,
};

/// How many of which proofs a fold takes.
#[derive(Clone, Debug)]
pub struct FoldShape {
    slot: Slot,
    capacity: usize,
}

impl FoldShape {
    /// Takes 1 to `capacity` proofs of the layer circuit, of every domain size and every key.
    pub fn layers(
        protocol: &PlonkProtocol<G1Affine>,
        capacity: usize,
    ) -> Result<Self, AggregateError> {
        let slot = Slot::any_layer(protocol);
        Self::of(slot, capacity)
    }

    /// Takes 1 to `capacity` folds of one key.
    pub fn folds(vk: &FoldVk, capacity: usize) -> Result<Self, AggregateError> {
        Self::of(Slot::fold(vk), capacity)
    }

    fn of(slot: Result<Slot, String>, capacity: usize) -> Result<Self, AggregateError> {
        if !(1..=MAX_FOLD).contains(&capacity) {
            return Err(AggregateError::FoldCapacity { got: capacity });
        }
        let slot =
            slot.map_err(|reason| AggregateError::UnsupportedSegment { segment: 0, reason })?;
        Ok(Self { slot, capacity })
    }

    /// Whether its places take proofs of this circuit.
    pub fn takes(&self, protocol: &PlonkProtocol<G1Affine>) -> Result<(), String> {
        self.slot.takes(protocol)
    }
}

/// What is known of a fold circuit by those who take its proofs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FoldVk {
    protocol: PlonkProtocol<G1Affine>,
    deciding_key: KzgDecidingKey<Bn256>,
    slot: Box<Slot>,
    capacity: usize,
    srs: SrsOrigin,
}

impl FoldVk {
    pub(crate) fn protocol(&self) -> &PlonkProtocol<G1Affine> {
        &self.protocol
    }

    /// What each of its places takes.
    pub(crate) fn slot(&self) -> &Slot {
        &self.slot
    }

    pub(crate) fn slots(&self) -> Vec<Slot> {
        vec![self.slot().clone(); self.capacity]
    }

    /// Domain size and digest of the key: what an item of a fold must say.
    pub(crate) fn identity(&self) -> (u32, Fr) {
        let digest = segment_key_digest(&self.protocol);
        (self.protocol.domain.k as u32, digest)
    }

    /// Proofs that one fold takes.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// SHA-256 of the key: equal keys take the same folds.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(bincode::serialize(self).expect("a key is plain data")).into()
    }

    /// Layer proofs that one fold stands for.
    pub fn leaves(&self) -> usize {
        self.capacity * self.slot.leaves()
    }

    /// Names the secret of the reference string.
    pub fn srs_id(&self) -> SrsId {
        SrsId::of(self.deciding_key.s_g2())
    }

    /// Where the reference string comes from.
    pub fn srs_origin(&self) -> &SrsOrigin {
        &self.srs
    }

    /// Verifies a fold to the end: its proof, the pairing that it puts off, and that it is about its items.
    pub fn verify(&self, proof: &InnerProof) -> Result<(), AggregateError> {
        let slot = Slot::Fold(Box::new(self.clone()));
        check_proofs(&[slot], &self.deciding_key, std::slice::from_ref(proof))
    }

    /// Whether a fold is valid and about these proofs, in order, with the last again in places that are left over.
    pub fn is_fold_of(&self, fold: &InnerProof, proofs: &[InnerProof]) -> bool {
        let Some(last) = proofs.last().filter(|_| proofs.len() <= self.capacity) else {
            return false;
        };
        let wanted = proofs.iter().chain(std::iter::repeat(last));
        let wanted = wanted.take(self.capacity).map(InnerProof::item);
        self.verify(fold).is_ok() && wanted.eq(fold.items.iter().cloned())
    }

    /// A fold as bytes, without its key: what only the layer proofs under it know, one after the other.
    pub fn to_bytes(&self, proof: &InnerProof) -> Vec<u8> {
        let leaves = proof.items.iter().flat_map(Item::leaves);
        let stored = Stored {
            words: proof.snark.instances[0].clone(),
            proof: proof.snark.proof.clone(),
            leaves: leaves
                .map(|leaf| (leaf.k, leaf.key_digest, [leaf.words[0], leaf.words[1]]))
                .collect(),
        };
        bincode::serialize(&stored).expect("a fold is plain data")
    }

    /// A fold from bytes; not verified.
    pub fn from_bytes(&self, bytes: &[u8]) -> Result<InnerProof, AggregateError> {
        let error = |reason: String| AggregateError::Fold { index: 0, reason };
        let stored: Stored = bincode::deserialize(bytes)
            .map_err(|e| error(format!("its bytes are no fold: {e}")))?;
        if stored.leaves.len() != self.leaves() {
            let (got, expected) = (stored.leaves.len(), self.leaves());
            return Err(error(format!(
                "{got} layer proofs, the key is for {expected}"
            )));
        }
        let mut leaves = stored
            .leaves
            .into_iter()
            .map(|(k, key_digest, words)| Item {
                k,
                key_digest,
                words: words.to_vec(),
                items: vec![],
            });
        let items = (0..self.capacity).map(|_| Item::from_leaves(&self.slot, &mut leaves));
        Ok(InnerProof {
            snark: Snark::new(self.protocol.clone(), vec![stored.words], stored.proof),
            items: items.flatten().collect(),
        })
    }
}

/// A fold in a file: no more than a list deep, whatever it claims.
#[derive(Serialize, Deserialize)]
struct Stored {
    words: Vec<Fr>,
    proof: Vec<u8>,
    leaves: Vec<(u32, Fr, [Fr; 2])>,
}

/// Proving key of a fold.
#[derive(Debug)]
pub struct FoldKey {
    vk: FoldVk,
    pub(crate) circuit: CircuitKey,
}

impl FoldKey {
    /// Chooses the layout and makes the key.
    pub fn keygen(
        store: &SrsStore,
        source: &SrsSource,
        shape: FoldShape,
        config: &AggregationConfig,
    ) -> Result<Self, KeygenError> {
        let slots = vec![shape.slot.clone(); shape.capacity];
        let (circuit, srs) = CircuitKey::keygen(store, source, &slots, Exposed::Items, config)?;
        let compiling = Config::kzg().with_num_instance(vec![PUBLIC_WORDS_PER_FOLD]);
        let vk = FoldVk {
            protocol: compile(&srs.params, circuit.vk(), compiling),
            deciding_key: srs.deciding_key(),
            slot: Box::new(shape.slot),
            capacity: shape.capacity,
            srs: srs.origin.clone(),
        };
        Ok(Self { vk, circuit })
    }

    /// Key of those who take the folds.
    pub fn vk(&self) -> &FoldVk {
        &self.vk
    }

    /// log2 of the rows; the size of the reference string that proving needs.
    pub fn k(&self) -> u32 {
        self.circuit.k()
    }

    /// Gate columns; range-checked columns.
    pub fn columns(&self) -> (usize, usize) {
        self.circuit.columns()
    }

    /// Folds 1 to `capacity` proofs. Places that are left over hold the last proof again. Everything is checked natively
    /// first; the fold is verified before it is returned.
    pub fn prove(
        &self,
        srs: &Srs,
        proofs: &[InnerProof],
        mut rng: impl RngCore + CryptoRng,
    ) -> Result<InnerProof, AggregateError> {
        self.circuit.check_srs(self.vk.srs_id(), srs)?;
        let proofs = self.pad(proofs)?;
        check_proofs(&self.vk.slots(), &self.vk.deciding_key, &proofs)?;
        let fold = self.prove_unchecked(srs, &proofs, &mut rng)?;
        self.vk.verify(&fold)?;
        Ok(fold)
    }

    fn pad(&self, proofs: &[InnerProof]) -> Result<Vec<InnerProof>, AggregateError> {
        let capacity = self.vk.capacity();
        let last = proofs.last().filter(|_| proofs.len() <= capacity);
        let last = last.ok_or(AggregateError::FoldCount {
            got: proofs.len(),
            capacity,
        })?;
        let mut padded = proofs.to_vec();
        padded.resize(capacity, last.clone());
        Ok(padded)
    }

    /// Without the native checks of what goes in and comes out, so that tests can put lies into it.
    pub(crate) fn prove_unchecked(
        &self,
        srs: &Srs,
        proofs: &[InnerProof],
        mut rng: impl RngCore + CryptoRng,
    ) -> Result<InnerProof, AggregateError> {
        let circuit = self.fill(srs, proofs, &mut rng)?;
        let words = circuit.exposed();
        let mut transcript =
            PoseidonTranscript::<NativeLoader, Vec<u8>>::from_spec(vec![], POSEIDON_SPEC.clone());
        self.circuit
            .create_proof(srs, circuit, &words, &mut transcript, rng)?;
        let proof = transcript.finalize();
        let snark = Snark::new(self.vk.protocol.clone(), vec![words], proof);
        let items = proofs.iter().map(InnerProof::item).collect();
        Ok(InnerProof { snark, items })
    }

    /// Fills the circuit. Nothing is checked.
    pub(crate) fn fill(
        &self,
        srs: &Srs,
        proofs: &[InnerProof],
        rng: impl RngCore + CryptoRng,
    ) -> Result<AggregationCircuit, AggregateError> {
        let g = srs.params.get_g();
        let (slots, blind) = (self.vk.slots(), random_pair(g[0], g[1], rng));
        self.circuit
            .fill(srs, &slots, proofs, blind, Exposed::Items)
    }

    /// Writes the key; nothing is left behind if that fails.
    pub fn write(&self, path: &Path) -> Result<(), AggregateError> {
        let srs = self.vk.srs.to_string();
        self.circuit.write(path, FORMAT, &self.vk, srs)
    }

    /// Reads a key after length and checksum agree.
    pub fn read(path: &Path) -> Result<Self, AggregateError> {
        let (vk, circuit) = CircuitKey::read(path, FORMAT)?;
        Ok(Self { vk, circuit })
    }
}
