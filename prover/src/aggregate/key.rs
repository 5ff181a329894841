//! Proving key of an aggregation: the proofs of one inference in, the proof for the chain out.

use super::{
    AggregateError, AggregationConfig, AggregationShape, AggregationVk, InnerProof,
    InputVisibility, Openings, OuterProof, StatementShape, accumulator::random_pair,
    assembly::AggregationCircuit, circuit::Exposed, circuit_key::CircuitKey, inner,
    statement::StatementWitness,
};
use crate::srs::{Srs, SrsError, SrsSource, SrsStore, sealed::Format};
use halo2_base::halo2_proofs::{
    halo2curves::{
        bn256::{Fr, G1Affine},
        ff::Field,
    },
    poly::commitment::ParamsProver,
    transcript::TranscriptWriterBuffer,
};
use rand::{CryptoRng, RngCore};
use snark_verifier::{loader::native::NativeLoader, system::halo2::transcript::evm::EvmTranscript};
use std::path::Path;

const FORMAT: Format = Format {
    kind: "aggregation-key",
    version: 4,
};

/// Proving key of an aggregation, with all that is needed to fill its circuit again.
#[derive(Debug)]
pub struct AggregationKey {
    shape: AggregationShape,
    vk: AggregationVk,
    pub(crate) circuit: CircuitKey,
}

/// What an outer proof is made from.
#[derive(Clone, Copy, Debug)]
pub struct AggregationRequest<'a> {
    /// Layer proofs, or their folds, in order.
    pub proofs: &'a [InnerProof],
    /// What is stated, one for each statement of the shape.
    pub statements: &'a [Stated<'a>],
}

/// The values of one statement.
#[derive(Clone, Copy, Debug)]
pub struct Stated<'a> {
    /// What the two ends commit to.
    pub openings: &'a Openings,
    /// Salt of M.
    pub model_salt: Fr,
    /// C.
    pub context: Fr,
}

impl AggregationKey {
    /// Chooses the layout and makes the key. Strings of the size that the layout needs are taken from `store`.
    pub fn keygen(
        store: &SrsStore,
        source: &SrsSource,
        shape: AggregationShape,
        config: &AggregationConfig,
    ) -> Result<Self, KeygenError> {
        let openings: Vec<Openings> = shape.statements().iter().map(stand_in).collect();
        let stated: Vec<Stated<'_>> = openings
            .iter()
            .map(|openings| Stated {
                openings,
                model_salt: Fr::ZERO,
                context: Fr::ZERO,
            })
            .collect();
        let exposed = statements(&shape, &stated);
        let (circuit, srs) = CircuitKey::keygen(store, source, shape.slots(), exposed, config)?;
        let vk = AggregationVk::new(&srs, circuit.vk(), &shape);
        Ok(Self { shape, vk, circuit })
    }

    /// What the key is for.
    pub fn shape(&self) -> &AggregationShape {
        &self.shape
    }

    /// Key of the verifier.
    pub fn vk(&self) -> &AggregationVk {
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

    /// Advice cells and lookup cells in use.
    pub fn cells(&self) -> (usize, usize) {
        self.circuit.cells()
    }

    /// Proves. Everything is checked natively first, so a bad input is an error that names the proof, before any
    /// circuit is built; the finished proof is verified before it is returned.
    pub fn prove(
        &self,
        srs: &Srs,
        request: AggregationRequest<'_>,
        mut rng: impl RngCore + CryptoRng,
    ) -> Result<OuterProof, AggregateError> {
        self.circuit.check_srs(self.vk.srs_id(), srs)?;
        let AggregationRequest { proofs, statements } = request;
        inner::check(&self.shape, self.vk.deciding_key(), proofs, statements)?;
        let circuit = self.fill(srs, request, &mut rng)?;
        self.finish(srs, circuit, rng)
    }

    /// Fills the circuit without the native checks, so that tests can put lies into it.
    pub(crate) fn fill(
        &self,
        srs: &Srs,
        request: AggregationRequest<'_>,
        rng: impl RngCore + CryptoRng,
    ) -> Result<AggregationCircuit, AggregateError> {
        let g = srs.params.get_g();
        let blind = random_pair(g[0], g[1], rng);
        let exposed = statements(&self.shape, request.statements);
        let slots = self.shape.slots();
        self.circuit
            .fill(srs, slots, request.proofs, blind, exposed)
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
        self.circuit
            .create_proof(srs, circuit, &instances, &mut transcript, rng)?;
        let outer = OuterProof {
            instances,
            proof: transcript.finalize(),
        };
        self.vk.verify(&outer)?;
        Ok(outer)
    }

    /// Writes the key; nothing is left behind if that fails.
    pub fn write(&self, path: &Path) -> Result<(), AggregateError> {
        let beside = (&self.shape, &self.vk);
        let srs = self.vk.srs_origin().to_string();
        self.circuit.write(path, FORMAT, &beside, srs)
    }

    /// Reads a key after length and checksum agree.
    pub fn read(path: &Path) -> Result<Self, AggregateError> {
        let ((shape, vk), circuit) = CircuitKey::read(path, FORMAT)?;
        Ok(Self { shape, vk, circuit })
    }
}

/// Openings of the right size, for key generation.
fn stand_in(shape: &StatementShape) -> Openings {
    let layout = shape.layout();
    Openings {
        salt_in: Fr::ZERO,
        inputs: vec![Fr::ZERO; layout.input_words],
        salt_out: Fr::ZERO,
        outputs: vec![Fr::ZERO; layout.output_words],
    }
}

/// What the circuit exposes, with the values that open it.
pub(crate) fn statements<'a>(shape: &AggregationShape, stated: &[Stated<'a>]) -> Exposed<'a> {
    let words = |(shape, stated): (&StatementShape, &Stated<'a>)| {
        let openings = stated.openings;
        let public = shape.visibility == InputVisibility::Public;
        let witness = StatementWitness {
            input: public.then_some((openings.salt_in, &openings.inputs[..])),
            output: (openings.salt_out, &openings.outputs),
            model_salt: stated.model_salt,
            context: stated.context,
        };
        (shape.segments, witness)
    };
    let pairs = shape.statements().iter().zip(stated);
    Exposed::Statements(pairs.map(words).collect())
}

/// Key generation needs a string, so it can fail for either reason.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeygenError {
    /// The circuit.
    #[error(transparent)]
    Aggregate(#[from] AggregateError),
    /// The string.
    #[error(transparent)]
    Srs(#[from] SrsError),
}
