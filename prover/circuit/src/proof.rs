//! Keys and proofs of single segments: SHPLONK over BN254, Poseidon transcript (the inner proofs of the aggregation).

use crate::circuit::{LayerCircuit, LayerWitness};
use crate::gates::LayerConfig;
use crate::layout::Layout;
use crate::segment::{Segment, Witness, build};
use crate::{CircuitError, boundary_commitment, words};
use halo2_base::halo2_proofs::SerdeFormat;
use halo2_base::halo2_proofs::halo2curves::bn256::{Bn256, Fr, G1Affine};
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::{ConstraintSystem, VerifyingKey, verify_proof};
use halo2_base::halo2_proofs::poly::commitment::{Params, ParamsProver};
use halo2_base::halo2_proofs::poly::kzg::commitment::{KZGCommitmentScheme, ParamsKZG};
use halo2_base::halo2_proofs::poly::kzg::multiopen::VerifierSHPLONK;
use halo2_base::halo2_proofs::poly::kzg::strategy::SingleStrategy;
use halocast_ir::{Program, Trace};
use halocast_plonk::{Copies, Key, create_proof, read_verifying_key, verifying_key};
use rand::RngCore;
use snark_verifier::loader::native::NativeLoader;
use snark_verifier::system::halo2::{Config, compile};
use snark_verifier::verifier::plonk::PlonkProtocol;
use snark_verifier_sdk::halo2::{POSEIDON_SPEC, PoseidonTranscript};
use std::io;
use std::sync::Arc;

/// Number of public values of a layer proof: the commitments at its start and at its end.
pub const LAYER_INSTANCES: usize = 2;

/// The verifying key of a segment. The proving key is worked out from it and the program when it is needed.
#[derive(Clone, Debug)]
pub struct LayerKey {
    vk: VerifyingKey<G1Affine>,
}

/// A proving key in memory.
#[derive(Debug)]
pub struct LayerProvingKey {
    key: Key,
}

/// A layer proof with its public values `[commitment in, commitment out]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerProof {
    /// The public values.
    pub instances: [Fr; LAYER_INSTANCES],
    /// The proof bytes.
    pub proof: Vec<u8>,
}

impl LayerKey {
    /// Makes the key of a segment.
    pub fn generate(
        params: &ParamsKZG<Bn256>,
        program: &Program,
        segment: &Segment,
    ) -> Result<Self, CircuitError> {
        check_domain(params, segment)?;
        let made = Preprocessed::new(program, segment)?;
        let vk = verifying_key(params, made.cs, &made.fixed, &made.copies)
            .map_err(|e| CircuitError::Key(e.to_string()))?;
        Ok(LayerKey { vk })
    }

    /// The proving key: some seconds of FFTs, nothing that is worth a gigabyte on disk.
    pub fn proving_key(
        &self,
        params: &ParamsKZG<Bn256>,
        program: &Program,
        segment: &Segment,
    ) -> Result<LayerProvingKey, CircuitError> {
        check_domain(params, segment)?;
        let Preprocessed { fixed, copies, .. } = Preprocessed::new(program, segment)?;
        let key = Key::new(self.vk.clone(), segment.k, fixed, &copies)
            .map_err(|e| CircuitError::Key(e.to_string()))?;
        Ok(LayerProvingKey { key })
    }

    /// What the aggregation needs to know of this key.
    pub fn protocol(&self, params: &ParamsKZG<Bn256>) -> PlonkProtocol<G1Affine> {
        compile(
            params,
            &self.vk,
            Config::kzg().with_num_instance(vec![LAYER_INSTANCES]),
        )
    }

    /// Writes the key.
    pub fn write(&self, to: &mut impl io::Write) -> io::Result<()> {
        self.vk.write(to, SerdeFormat::RawBytes)
    }

    /// Reads a key, checking that its points are on the curve.
    pub fn read(from: &mut impl io::Read) -> Result<Self, CircuitError> {
        let vk = read_verifying_key::<LayerCircuit>(from, ())
            .map_err(|e| CircuitError::Key(e.to_string()))?;
        Ok(LayerKey { vk })
    }
}

/// Proves a segment of a run. `salts` blind the commitments at its start and at its end; neighbours share them.
pub fn prove(
    params: &ParamsKZG<Bn256>,
    key: &LayerProvingKey,
    program: &Program,
    segment: &Segment,
    trace: &Trace,
    salts: [Fr; 2],
    rng: impl RngCore,
) -> Result<LayerProof, CircuitError> {
    check_domain(params, segment)?;
    let rows = build(program, segment, Some(Witness { trace, salts }))?;
    let layout = Layout::new(rows, program, &segment.name, segment.k)?;
    let instances = boundary_instances(segment, trace, salts);
    let proof = prove_witness(params, key, &mut LayerWitness::new(layout), instances, rng)?;
    Ok(LayerProof { instances, proof })
}

/// The public values of a segment's honest proof.
pub fn boundary_instances(
    segment: &Segment,
    trace: &Trace,
    salts: [Fr; 2],
) -> [Fr; LAYER_INSTANCES] {
    let commit = |salt, ids| boundary_commitment(salt, &words(&trace.concat(ids)));
    [
        commit(salts[0], &segment.inputs),
        commit(salts[1], &segment.outputs),
    ]
}

/// Proves whatever the columns say, right or wrong.
pub(crate) fn prove_witness(
    params: &ParamsKZG<Bn256>,
    key: &LayerProvingKey,
    witness: &mut impl halocast_plonk::Witness,
    instances: [Fr; LAYER_INSTANCES],
    rng: impl RngCore,
) -> Result<Vec<u8>, CircuitError> {
    let mut transcript =
        PoseidonTranscript::<NativeLoader, Vec<u8>>::from_spec(Vec::new(), POSEIDON_SPEC.clone());
    create_proof(params, &key.key, &instances, witness, rng, &mut transcript)?;
    Ok(transcript.finalize())
}

/// Verifies a layer proof.
pub fn verify(
    params: &ParamsKZG<Bn256>,
    key: &LayerKey,
    segment: &Segment,
    proof: &LayerProof,
) -> Result<(), CircuitError> {
    check_domain(params, segment)?;
    let invalid = || CircuitError::InvalidProof {
        segment: segment.name.clone(),
    };
    if proof.proof.len() != proof_len(&key.protocol(params)) {
        return Err(invalid());
    }
    let mut transcript = PoseidonTranscript::<NativeLoader, &[u8]>::from_spec(
        proof.proof.as_slice(),
        POSEIDON_SPEC.clone(),
    );
    verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
        params.verifier_params(),
        &key.vk,
        SingleStrategy::new(params),
        &[&[&proof.instances]],
        &mut transcript,
    )
    .map_err(|_| invalid())?;
    Ok(())
}

/// Segment and string must have the same domain: cutting a string down takes longer than a proof.
fn check_domain(params: &ParamsKZG<Bn256>, segment: &Segment) -> Result<(), CircuitError> {
    if params.k() == segment.k {
        return Ok(());
    }
    let (got, expected) = (params.k(), segment.k);
    Err(CircuitError::SrsDomain {
        segment: segment.name.clone(),
        got,
        expected,
    })
}

/// Bytes of a proof for a protocol: commitments, evaluations, and SHPLONK's two points.
pub fn proof_len(protocol: &PlonkProtocol<G1Affine>) -> usize {
    let points = protocol.num_witness.iter().sum::<usize>() + protocol.quotient.num_chunk() + 2;
    32 * (points + protocol.evaluations.len())
}

/// Points that a verifier of the protocol multiplies: all commitments, SHPLONK's two points and the generator.
pub fn point_count(protocol: &PlonkProtocol<G1Affine>) -> usize {
    let witness = protocol.num_witness.iter().sum::<usize>() + protocol.quotient.num_chunk();
    protocol.preprocessed.len() + witness + 3
}

/// What a segment's keys are made of.
struct Preprocessed {
    cs: ConstraintSystem<Fr>,
    fixed: Vec<Vec<Fr>>,
    copies: Copies,
}

impl Preprocessed {
    fn new(program: &Program, segment: &Segment) -> Result<Self, CircuitError> {
        let rows = build(program, segment, None)?;
        let circuit = LayerCircuit {
            layout: Arc::new(Layout::new(rows, program, &segment.name, segment.k)?),
        };
        let mut cs = ConstraintSystem::default();
        let config = LayerConfig::configure(&mut cs);
        let mut fixed = circuit.fixed(&config);
        for column in &mut fixed {
            column.resize(1 << segment.k, Fr::ZERO);
        }
        let copies = circuit.copies(segment.k);
        Ok(Preprocessed { cs, fixed, copies })
    }
}
