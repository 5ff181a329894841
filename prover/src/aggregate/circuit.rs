//! Assembly of the aggregation circuit: the in-circuit verifiers, one accumulator, the statement.
//!
//! For each layer proof snark-verifier's succinct verifier runs over the loader and leaves a pair (L_i, R_i) of
//! unevaluated sums with e(L_i, G2) = e(R_i, τG2) exactly if the proof is valid. The pairs become one:
//!
//! ```text
//! r = Poseidon(key digest_0, end_0, …, key digest_{n−1}, end_{n−1}, B_L, B_R)
//! L = B_L + Σ r^(i+1) L_i        R = B_R + Σ r^(i+1) R_i
//! ```
//! `end_i` is squeezed from the transcript of proof i after its last element, so r depends on everything that
//! (L_i, R_i) is computed from: the key (digest), the instances and the proof (end). If some pair is invalid,
//! e(L, G2) = e(R, τG2) holds for at most n values of r, probability n/r.
//! (B_L, B_R) = s·(τG, G) with random s is a valid pair chosen by the prover; it makes (L, R) uniform among the valid
//! pairs, so the exposed accumulator says nothing about the layer proofs. It is absorbed before r, so it cannot be used
//! to cancel an invalid pair.

use super::{
    AggregationShape, InputVisibility, Openings,
    assembly::{AggregationCircuit, CircuitParams},
    curve::{Combination, DeferredEcc, DeferredPoint, PointChip, StockChip, WideChip},
    inner,
    statement::{Hasher, Segment, StatementWitness, constrain},
};
use halo2_base::{
    AssignedValue,
    gates::{
        GateInstructions,
        circuit::{CircuitBuilderStage, builder::BaseCircuitBuilder},
    },
    halo2_proofs::halo2curves::{
        bn256::{Fr, G1, G1Affine},
        ff::Field,
        group::Curve,
    },
};
use halocast_ecc::EccError;
use rand::RngCore;
use snark_verifier::{
    Error,
    loader::halo2::{Halo2Loader, halo2_ecc::bn254::FpChip},
    pcs::{
        AccumulatorEncoding,
        kzg::{KzgAccumulator, KzgSuccinctVerifyingKey},
    },
    util::transcript::Transcript,
    verifier::{SnarkVerifier, plonk::PlonkSuccinctVerifier},
};
use snark_verifier_sdk::{
    BITS, LIMBS, SHPLONK, Snark,
    halo2::{POSEIDON_SPEC, PoseidonTranscript},
};
use std::{mem, rc::Rc};

/// A valid accumulator of random size, s·(τG, G).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blind {
    pub(crate) lhs: G1Affine,
    pub(crate) rhs: G1Affine,
}

impl Blind {
    pub(crate) fn random(g: G1Affine, tau_g: G1Affine, rng: impl RngCore) -> Self {
        let s = Fr::random(rng);
        Self {
            lhs: (tau_g * s).to_affine(),
            rhs: (G1::from(g) * s).to_affine(),
        }
    }
}

/// Everything that fills the circuit.
#[derive(Clone, Copy)]
pub(crate) struct Witness<'a> {
    pub(crate) snarks: &'a [Snark],
    pub(crate) blind: Blind,
    pub(crate) openings: &'a Openings,
    pub(crate) model_salt: Fr,
    pub(crate) context: Fr,
}

type Loader<C> = Rc<Halo2Loader<G1Affine, DeferredEcc<C>>>;
type Verifier = PlonkSuccinctVerifier<SHPLONK, NoAccumulator>;

/// Layer proofs carry no accumulator of their own; the shape refuses those that do.
#[derive(Clone, Debug)]
struct NoAccumulator;

impl<C: PointChip> AccumulatorEncoding<G1Affine, Loader<C>> for NoAccumulator {
    type Accumulator = KzgAccumulator<G1Affine, Loader<C>>;

    fn from_repr(
        _: &[&<Loader<C> as snark_verifier::loader::ScalarLoader<Fr>>::LoadedScalar],
    ) -> Result<Self::Accumulator, Error> {
        Err(Error::InvalidInstances)
    }
}

/// What the verifier of one proof leaves.
struct Verified<P> {
    segment: Segment,
    end: AssignedValue<Fr>,
    lhs: DeferredPoint<P>,
    rhs: DeferredPoint<P>,
}

/// Builds the circuit. Its constraints depend on the parameters, the shape and `g` only.
pub(crate) fn build(
    stage: CircuitBuilderStage,
    params: &CircuitParams,
    g: G1Affine,
    shape: &AggregationShape,
    witness: Witness<'_>,
) -> Result<AggregationCircuit, EccError> {
    let mut builder = BaseCircuitBuilder::from_stage(stage).use_params(params.base.clone());
    if params.wide.is_none() {
        let range = builder.range_chip();
        let field = FpChip::<Fr>::new(&range, BITS, LIMBS);
        fill(&mut builder, &StockChip::new(&field), g, shape, witness);
        return Ok(AggregationCircuit::stock(builder));
    }
    let chip = WideChip::default();
    fill(&mut builder, &chip, g, shape, witness);
    AggregationCircuit::wide(builder, params, &chip.into_jobs())
}

/// Verifiers, accumulator, statement.
fn fill<C: PointChip>(
    builder: &mut BaseCircuitBuilder<Fr>,
    chip: &C,
    g: G1Affine,
    shape: &AggregationShape,
    witness: Witness<'_>,
) {
    let hasher = Hasher::new(builder.main(0), chip.gate());
    let loader = Halo2Loader::new(DeferredEcc::new(chip.clone()), mem::take(builder.pool(0)));
    let svk = KzgSuccinctVerifyingKey::new(g);
    let verified: Vec<_> = witness
        .snarks
        .iter()
        .map(|snark| verify(&loader, &hasher, &svk, snark))
        .collect();
    *builder.pool(0) = loader.take_ctx();

    let accumulator = accumulate(builder, chip, &hasher, &verified, witness.blind);
    let segments: Vec<Segment> = verified.iter().map(|v| v.segment).collect();
    let openings = witness.openings;
    let statement = StatementWitness {
        input: (shape.visibility() == InputVisibility::Public)
            .then_some((openings.salt_in, &openings.inputs[..])),
        output: (openings.salt_out, &openings.outputs),
        model_salt: witness.model_salt,
        context: witness.context,
    };
    let words = constrain(builder.main(0), &hasher, &segments, &statement);
    builder.assigned_instances[0] = [accumulator, words].concat();
}

/// Runs the succinct verifier of one proof. Key and instances are fresh cells; the statement ties them.
fn verify<C: PointChip>(
    loader: &Loader<C>,
    hasher: &Hasher<'_>,
    svk: &KzgSuccinctVerifyingKey<G1Affine>,
    snark: &Snark,
) -> Verified<C::Point> {
    let protocol = snark.protocol.loaded_preprocessed_as_witness(loader, false);
    let boundary = inner::boundary(snark).map(|word| loader.assign_scalar(word));
    let instances = vec![boundary.to_vec()];
    let mut transcript = PoseidonTranscript::<Loader<C>, &[u8]>::from_spec(
        loader,
        snark.proof(),
        POSEIDON_SPEC.clone(),
    );
    let proof = Verifier::read_proof(svk, &protocol, &instances, &mut transcript)
        .expect("length and points were checked natively");
    let end = transcript.squeeze_challenge().into_assigned();
    let accumulators = Verifier::verify(svk, &protocol, &instances, &proof)
        .expect("the loader defers every check");
    let [accumulator] =
        <[_; 1]>::try_from(accumulators).expect("a proof without old accumulators leaves one");

    let state = protocol
        .transcript_initial_state
        .clone()
        .expect("the shape demands it")
        .into_assigned();
    let chip = loader.ecc_chip().chip().clone();
    let coordinates = protocol.preprocessed.iter().flat_map(|point| {
        chip.native_coordinates(point.assigned().plain().expect("assigned as a witness"))
    });
    let key: Vec<_> = std::iter::once(state).chain(coordinates).collect();
    let key_digest = hasher.hash(loader.ctx_mut().main(), &key);
    let segment = Segment {
        k: snark.protocol.domain.k as u32,
        key_digest,
        boundary: boundary.map(|b| b.into_assigned()),
    };
    let [lhs, rhs] = [&accumulator.lhs, &accumulator.rhs].map(|point| point.assigned().clone());
    Verified {
        segment,
        end,
        lhs,
        rhs,
    }
}

/// Folds all pairs and the blind into one and returns its limbs.
fn accumulate<C: PointChip>(
    builder: &mut BaseCircuitBuilder<Fr>,
    chip: &C,
    hasher: &Hasher<'_>,
    verified: &[Verified<C::Point>],
    blind: Blind,
) -> Vec<AssignedValue<Fr>> {
    let pool = builder.pool(0);
    let ctx = pool.main();
    let blind = [blind.lhs, blind.rhs].map(|point| chip.assign_point(ctx, point));
    let ends = verified.iter().flat_map(|v| [v.segment.key_digest, v.end]);
    let absorbed: Vec<_> = ends
        .chain(blind.iter().flat_map(|b| chip.native_coordinates(b)))
        .collect();
    let r = hasher.hash(ctx, &absorbed);
    let mut powers = vec![r];
    while powers.len() < verified.len() {
        let next = chip.gate().mul(ctx, powers[powers.len() - 1], r);
        powers.push(next);
    }
    let sides = [
        verified.iter().map(|v| &v.lhs).collect::<Vec<_>>(),
        verified.iter().map(|v| &v.rhs).collect(),
    ];
    let mut limbs = vec![];
    for (side, blind) in sides.into_iter().zip(blind) {
        let ctx = pool.main();
        let scaled = side
            .iter()
            .zip(&powers)
            .map(|(s, p)| s.combination().scaled_by(ctx, chip.gate(), *p))
            .collect();
        let pairs = Combination::pairs(scaled, ctx, chip);
        let point = chip.multi_scalar_multiply(pool, &pairs, &blind);
        limbs.extend(chip.limbs(pool.main(), &point));
    }
    limbs
}
