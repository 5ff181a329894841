//! From layer proofs to the outer proof.

use super::{
    AggregateError, AggregationKey, Openings, OuterProof,
    assembly::AggregationCircuit,
    circuit::{self, Blind, Witness},
    inner,
    key::generator,
};
use crate::srs::Srs;
use halo2_base::{
    gates::circuit::CircuitBuilderStage,
    halo2_proofs::{
        halo2curves::bn256::{Fr, G1Affine},
        plonk::create_proof,
        poly::{
            commitment::ParamsProver,
            kzg::{commitment::KZGCommitmentScheme, multiopen::ProverSHPLONK},
        },
        transcript::TranscriptWriterBuffer,
    },
};
use rand::{CryptoRng, RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;
use snark_verifier::{loader::native::NativeLoader, system::halo2::transcript::evm::EvmTranscript};
use snark_verifier_sdk::Snark;

/// What an outer proof is made from.
#[derive(Clone, Copy, Debug)]
pub struct AggregationRequest<'a> {
    /// Layer proofs in order.
    pub snarks: &'a [Snark],
    /// What the two ends commit to.
    pub openings: &'a Openings,
    /// Salt of M.
    pub model_salt: Fr,
    /// C.
    pub context: Fr,
}

impl AggregationKey {
    /// Proves. Everything is checked natively first, so a bad input is an error that names the segment, before any
    /// circuit is built; the finished proof is verified before it is returned.
    pub fn prove(
        &self,
        srs: &Srs,
        request: AggregationRequest<'_>,
        mut rng: impl RngCore + CryptoRng,
    ) -> Result<OuterProof, AggregateError> {
        self.check_srs(srs)?;
        inner::check(
            self.shape(),
            self.vk().deciding_key(),
            request.snarks,
            request.openings,
        )?;
        let circuit = self.fill(srs, request, &mut rng)?;
        self.finish(srs, circuit, rng)
    }

    fn check_srs(&self, srs: &Srs) -> Result<(), AggregateError> {
        let (key, given) = (self.vk().srs_id(), srs.id());
        if key != given {
            return Err(AggregateError::SrsMismatch { key, given });
        }
        if srs.k() != self.k() {
            return Err(AggregateError::SrsSize {
                got: srs.k(),
                expected: self.k(),
            });
        }
        Ok(())
    }

    /// Fills the circuit without the native checks, so that tests can put lies into it.
    pub(crate) fn fill(
        &self,
        srs: &Srs,
        request: AggregationRequest<'_>,
        rng: impl RngCore + CryptoRng,
    ) -> Result<AggregationCircuit, AggregateError> {
        let g = srs.params.get_g();
        let AggregationRequest {
            snarks,
            openings,
            model_salt,
            context,
        } = request;
        let witness = Witness {
            snarks,
            blind: Blind::random(g[0], g[1], rng),
            openings,
            model_salt,
            context,
        };
        let circuit = circuit::build(
            CircuitBuilderStage::Prover,
            &self.meta.params,
            generator(srs),
            self.shape(),
            witness,
        )?;
        Ok(circuit.use_break_points(self.meta.break_points.clone()))
    }

    /// Proves a filled circuit and verifies the proof.
    pub(crate) fn finish(
        &self,
        srs: &Srs,
        circuit: AggregationCircuit,
        rng: impl RngCore + CryptoRng,
    ) -> Result<OuterProof, AggregateError> {
        let instances = circuit.exposed();
        let mut transcript =
            <EvmTranscript<G1Affine, NativeLoader, _, _> as TranscriptWriterBuffer<_, _, _>>::init(
                Vec::new(),
            );
        let seed = ChaCha20Rng::from_rng(rng).map_err(|e| halo2_error("randomness", &e))?;
        create_proof::<KZGCommitmentScheme<_>, ProverSHPLONK<_>, _, _, _, _>(
            &srs.params,
            &self.pk,
            &[circuit],
            &[&[&instances]],
            seed,
            &mut transcript,
        )
        .map_err(|e| halo2_error("proof", &e))?;
        let outer = OuterProof {
            instances,
            proof: transcript.finalize(),
        };
        self.vk().verify(&outer)?;
        Ok(outer)
    }
}

fn halo2_error(stage: &'static str, error: &dyn std::fmt::Display) -> AggregateError {
    AggregateError::Halo2 {
        stage,
        reason: error.to_string(),
    }
}
