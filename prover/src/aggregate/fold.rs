//! Folds: a proof that n proofs were verified, which says nothing about what they mean. The same circuit takes layer
//! proofs of any segments of any models (keys and domain sizes are witnesses), and another the folds of one key, so that
//! layer proofs are folded as they come, on several machines, and one small aggregation makes the statement.
//!
//! Public words: accumulator limbs | D (see `items.rs`). Whoever takes a fold finishes its accumulator and compares its key.

use super::{
    AggregateError, AggregationConfig, InnerProof, KeygenError,
    accumulator::random_pair,
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
    version: 1,
};

/// How many of which proofs a fold takes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FoldShape {
    slots: Vec<Slot>,
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
        let slots = vec![slot; capacity];
        Ok(Self { slots })
    }
}

/// What is known of a fold circuit by those who take its proofs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FoldVk {
    protocol: PlonkProtocol<G1Affine>,
    deciding_key: KzgDecidingKey<Bn256>,
    slots: Vec<Slot>,
    srs: SrsOrigin,
}

impl FoldVk {
    pub(crate) fn protocol(&self) -> &PlonkProtocol<G1Affine> {
        &self.protocol
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Domain size and digest of the key: what an item of a fold must say.
    pub(crate) fn identity(&self) -> (u32, Fr) {
        let digest = segment_key_digest(&self.protocol);
        (self.protocol.domain.k as u32, digest)
    }

    /// Proofs that one fold takes.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// Layer proofs that one fold stands for.
    pub fn leaves(&self) -> usize {
        self.slots.iter().map(Slot::leaves).sum()
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

    /// A fold as bytes, without its key.
    pub fn to_bytes(&self, proof: &InnerProof) -> Vec<u8> {
        let stored = Stored {
            words: proof.snark.instances[0].clone(),
            proof: proof.snark.proof.clone(),
            items: proof.items.clone(),
        };
        bincode::serialize(&stored).expect("a fold is plain data")
    }

    /// A fold from bytes; not verified.
    pub fn from_bytes(&self, bytes: &[u8]) -> Result<InnerProof, AggregateError> {
        let stored: Stored = bincode::deserialize(bytes).map_err(|e| AggregateError::Fold {
            index: 0,
            reason: format!("its bytes are no fold: {e}"),
        })?;
        let snark = Snark::new(self.protocol.clone(), vec![stored.words], stored.proof);
        let items = stored.items;
        Ok(InnerProof { snark, items })
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    words: Vec<Fr>,
    proof: Vec<u8>,
    items: Vec<Item>,
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
        let slots = shape.slots;
        let (circuit, srs) = CircuitKey::keygen(store, source, &slots, Exposed::Items, config)?;
        let compiling = Config::kzg().with_num_instance(vec![PUBLIC_WORDS_PER_FOLD]);
        let vk = FoldVk {
            protocol: compile(&srs.params, circuit.pk.get_vk(), compiling),
            deciding_key: srs.deciding_key(),
            slots,
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
        check_proofs(&self.vk.slots, &self.vk.deciding_key, &proofs)?;
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
        let g = srs.params.get_g();
        let blind = random_pair(g[0], g[1], &mut rng);
        let slots = &self.vk.slots;
        let circuit = self
            .circuit
            .fill(srs, slots, proofs, blind, Exposed::Items)?;
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
