//! The outer proof, its verifying key, and the native verifier: the algorithm of the Solidity contract, both pairings
//! included.

use super::{
    VerifyError,
    accumulator::{self, Pair},
    dummy,
    shape::{ACCUMULATOR_WORDS, AggregationShape, InstanceLayout},
};
use crate::srs::{Srs, SrsId, SrsOrigin};
use halo2_base::halo2_proofs::{
    halo2curves::{
        bn256::{Bn256, Fr, G1Affine},
        ff::PrimeField,
    },
    plonk::VerifyingKey,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use snark_verifier::{
    loader::native::NativeLoader,
    pcs::kzg::KzgDecidingKey,
    system::halo2::{Config, compile, transcript::evm::EvmTranscript},
    verifier::{SnarkVerifier, plonk::PlonkProtocol},
};
use snark_verifier_sdk::{PlonkSuccinctVerifier, SHPLONK};

/// Proof for the chain, with its public words in the order of [`InstanceLayout`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OuterProof {
    /// Public words: accumulator limbs | M | I… | O… | C.
    pub instances: Vec<Fr>,
    /// SHPLONK proof over the Keccak transcript.
    pub proof: Vec<u8>,
}

impl OuterProof {
    /// The proof as the leaf contract takes it, 12 accumulator limbs ‖ proof: the other words it recomputes itself.
    pub fn leaf_bytes(&self) -> Vec<u8> {
        encode(self.instances.iter().take(ACCUMULATOR_WORDS), &self.proof)
    }

    /// Calldata of the raw verifier: all public words ‖ proof.
    pub fn raw_calldata(&self) -> Vec<u8> {
        encode(self.instances.iter(), &self.proof)
    }
}

/// Words as 32 big-endian bytes each, then the proof.
fn encode<'a>(words: impl Iterator<Item = &'a Fr>, proof: &[u8]) -> Vec<u8> {
    let big_endian = |word: &Fr| {
        let mut bytes = word.to_repr();
        bytes.reverse();
        bytes
    };
    words
        .flat_map(big_endian)
        .chain(proof.iter().copied())
        .collect()
}

/// Everything a verifier needs, and everything the contract is generated from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AggregationVk {
    protocol: PlonkProtocol<G1Affine>,
    deciding_key: KzgDecidingKey<Bn256>,
    layout: InstanceLayout,
    srs: SrsOrigin,
}

impl AggregationVk {
    pub(crate) fn new(srs: &Srs, vk: &VerifyingKey<G1Affine>, shape: &AggregationShape) -> Self {
        let accumulator = (0..ACCUMULATOR_WORDS).map(|row| (0, row)).collect();
        let config = Config::kzg()
            .with_num_instance(vec![shape.public_words()])
            .with_accumulator_indices(Some(accumulator));
        Self {
            protocol: compile(&srs.params, vk, config),
            deciding_key: srs.deciding_key(),
            layout: shape.layout(),
            srs: srs.origin.clone(),
        }
    }

    /// The verifier's algorithm with the key inside, for snark-verifier's loaders.
    pub fn protocol(&self) -> &PlonkProtocol<G1Affine> {
        &self.protocol
    }

    /// Points of the reference string that the pairing checks use.
    pub fn deciding_key(&self) -> &KzgDecidingKey<Bn256> {
        &self.deciding_key
    }

    /// Number of public words.
    pub fn public_words(&self) -> usize {
        self.protocol.num_instance[0]
    }

    /// Which public word is what; of the first statement, if there are several.
    pub fn layout(&self) -> InstanceLayout {
        self.layout
    }

    /// Where the reference string comes from.
    pub fn srs_origin(&self) -> &SrsOrigin {
        &self.srs
    }

    /// Names the secret of the reference string.
    pub fn srs_id(&self) -> SrsId {
        SrsId::of(self.deciding_key.s_g2())
    }

    /// Whether anyone can forge proofs under this key.
    pub fn srs_is_insecure(&self) -> bool {
        self.srs.is_insecure(self.srs_id())
    }

    /// Exact length of a proof in bytes.
    pub fn proof_len(&self) -> usize {
        dummy::evm_proof_len(&self.protocol)
    }

    /// SHA-256 of the key: equal keys accept the same proofs.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(bincode::serialize(self).expect("a key is plain data")).into()
    }

    /// Accepts no proof that the contract refuses. The contract also takes other spellings of the same proof: it reduces the
    /// proof's scalars modulo r, which are refused here.
    pub fn verify(&self, outer: &OuterProof) -> Result<(), VerifyError> {
        let OuterProof { instances, proof } = outer;
        if instances.len() != self.public_words() {
            return Err(VerifyError::InstanceCount {
                got: instances.len(),
                expected: self.public_words(),
            });
        }
        if proof.len() != self.proof_len() {
            return Err(VerifyError::ProofLength {
                got: proof.len(),
                expected: self.proof_len(),
            });
        }
        let exposed = self.exposed_accumulator(instances)?;
        let own = self.proof_accumulator(outer)?;
        accumulator::decide(&self.deciding_key, own).map_err(|_| VerifyError::Proof)?;
        accumulator::decide(&self.deciding_key, exposed).map_err(|_| VerifyError::AccumulatedProofs)
    }

    /// Only the pairing of the exposed pair.
    #[cfg(test)]
    pub(crate) fn decide_exposed(&self, instances: &[Fr]) -> Result<(), VerifyError> {
        let pair = self.exposed_accumulator(instances)?;
        accumulator::decide(&self.deciding_key, pair).map_err(|_| VerifyError::AccumulatedProofs)
    }

    /// The pair that the circuit exposes.
    fn exposed_accumulator(&self, instances: &[Fr]) -> Result<Pair, VerifyError> {
        accumulator::decode(&instances[..ACCUMULATOR_WORDS]).ok_or(VerifyError::Accumulator)
    }

    /// The pair that the proof itself leaves.
    fn proof_accumulator(&self, outer: &OuterProof) -> Result<Pair, VerifyError> {
        let malformed = |e: snark_verifier::Error| VerifyError::Malformed(format!("{e:?}"));
        let instances = [outer.instances.clone()];
        let mut transcript =
            EvmTranscript::<G1Affine, NativeLoader, _, _>::new(outer.proof.as_slice());
        let svk = self.deciding_key.svk();
        let proof = PlonkSuccinctVerifier::<SHPLONK>::read_proof(
            &svk,
            &self.protocol,
            &instances,
            &mut transcript,
        )
        .map_err(malformed)?;
        let accumulators =
            PlonkSuccinctVerifier::<SHPLONK>::verify(&svk, &self.protocol, &instances, &proof)
                .map_err(malformed)?;
        Ok(accumulators
            .into_iter()
            .next()
            .expect("the proof's own pair comes first"))
    }
}
