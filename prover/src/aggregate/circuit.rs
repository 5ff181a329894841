//! Assembly of the aggregation circuit: the in-circuit verifiers, one accumulator, what is exposed.
//!
//! For each proof snark-verifier's succinct verifier runs over the loader and leaves a pair (L, R) of unevaluated sums with
//! e(L, G2) = e(R, τG2) exactly if the proof is valid. A fold brings the pair that it exposes along: its points are
//! assigned, and their limbs are the instances that its verifier sees. All m pairs become one:
//!
//! ```text
//! r = Poseidon(k_0, key digest_0, end_0, …, k_{n−1}, key digest_{n−1}, end_{n−1}, B_L, B_R)
//! L = B_L + Σ r^(i+1) L_i        R = B_R + Σ r^(i+1) R_i
//! ```
//! `end_i` is squeezed from the transcript of proof i after its last element, so r depends on everything that the pairs are
//! computed from: the domain (k) and the key (digest), the instances (with them the pair of a fold) and the proof (end). If
//! some pair is invalid, e(L, G2) = e(R, τG2) holds for at most m values of r, probability m/r.
//! (B_L, B_R) = s·(τG, G) with random s is a valid pair chosen by the prover; it makes (L, R) uniform among the valid
//! pairs, so the exposed accumulator says nothing about the layer proofs. It is absorbed before r, so it cannot be used
//! to cancel an invalid pair.

use super::{
    InnerProof,
    accumulator::{self, Pair},
    assembly::{AggregationCircuit, CircuitParams},
    curve::{Combination, DeferredEcc, DeferredPoint, PointChip, StockChip, WideChip},
    items::{self, AssignedItem},
    slot::Slot,
    statement::{Hasher, Segment, StatementWitness, constrain},
};
use halo2_base::{
    AssignedValue,
    gates::{
        GateInstructions,
        circuit::{CircuitBuilderStage, builder::BaseCircuitBuilder},
    },
    halo2_proofs::halo2curves::bn256::{Fr, G1Affine},
};
use halocast_ecc::EccError;
use snark_verifier::{
    Error,
    loader::{
        ScalarLoader,
        halo2::{Halo2Loader, halo2_ecc::bn254::FpChip},
    },
    pcs::{
        AccumulatorEncoding,
        kzg::{KzgAccumulator, KzgSuccinctVerifyingKey},
    },
    util::transcript::Transcript,
    verifier::{
        SnarkVerifier,
        plonk::{PlonkProtocol, PlonkSuccinctVerifier},
    },
};
use snark_verifier_sdk::{
    BITS, LIMBS, SHPLONK, Snark,
    halo2::{POSEIDON_SPEC, PoseidonTranscript},
};
use std::{mem, rc::Rc};

/// Everything that fills the circuit: a proof for each slot, the random pair, what to expose.
#[derive(Clone)]
pub(crate) struct Witness<'a> {
    pub(crate) proofs: &'a [InnerProof],
    pub(crate) blind: Pair,
    pub(crate) exposed: Exposed<'a>,
}

/// Words beside the accumulator.
#[derive(Clone)]
pub(crate) enum Exposed<'a> {
    /// D: which proofs were verified.
    Items,
    /// Statements about so many layer proofs each, one after the other.
    Statements(Vec<(usize, StatementWitness<'a>)>),
}

pub(crate) type Loader<C> = Rc<Halo2Loader<G1Affine, DeferredEcc<C>>>;
pub(crate) type Scalar<C> = <Loader<C> as ScalarLoader<Fr>>::LoadedScalar;
type Verifier = PlonkSuccinctVerifier<SHPLONK, NoAccumulator>;

/// Accumulators of folds are taken from their instances here; snark-verifier is not told of them.
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
pub(crate) struct Verified<P> {
    pub(crate) item: AssignedItem,
    pub(crate) end: AssignedValue<Fr>,
    /// The proof's own (L, R), then the one that a fold exposes.
    pub(crate) pairs: Vec<Sides<P>>,
}

/// (L, R)
pub(crate) type Sides<P> = [DeferredPoint<P>; 2];

/// Builds the circuit. Its constraints depend on the parameters, the slots, what is exposed and `g` only.
pub(crate) fn build(
    stage: CircuitBuilderStage,
    params: &CircuitParams,
    g: G1Affine,
    slots: &[Slot],
    witness: Witness<'_>,
) -> Result<AggregationCircuit, EccError> {
    let mut builder = BaseCircuitBuilder::from_stage(stage).use_params(params.base.clone());
    if params.wide.is_none() {
        let range = builder.range_chip();
        let field = FpChip::<Fr>::new(&range, BITS, LIMBS);
        fill(&mut builder, &StockChip::new(&field), g, slots, witness);
        return Ok(AggregationCircuit::stock(builder));
    }
    let chip = WideChip::default();
    fill(&mut builder, &chip, g, slots, witness);
    AggregationCircuit::wide(builder, params, &chip.into_jobs())
}

/// Verifiers, accumulator, exposed words.
fn fill<C: PointChip>(
    builder: &mut BaseCircuitBuilder<Fr>,
    chip: &C,
    g: G1Affine,
    slots: &[Slot],
    witness: Witness<'_>,
) {
    let hasher = Hasher::new(builder.main(0), chip.gate());
    let loader = Halo2Loader::new(DeferredEcc::new(chip.clone()), mem::take(builder.pool(0)));
    let svk = KzgSuccinctVerifyingKey::new(g);
    let proofs = slots.iter().zip(witness.proofs);
    let verified: Vec<_> = proofs
        .map(|(slot, proof)| verify(&loader, &hasher, &svk, slot, &proof.snark))
        .collect();
    *builder.pool(0) = loader.take_ctx();

    let accumulator = accumulate(builder, chip, &hasher, &verified, &witness.blind);
    let words = expose(builder, &hasher, slots, &verified, &witness);
    builder.assigned_instances[0] = [accumulator, words].concat();
}

/// The public words after the accumulator.
pub(crate) fn expose<P>(
    builder: &mut BaseCircuitBuilder<Fr>,
    hasher: &Hasher<'_>,
    slots: &[Slot],
    verified: &[Verified<P>],
    witness: &Witness<'_>,
) -> Vec<AssignedValue<Fr>> {
    let ctx = builder.main(0);
    match &witness.exposed {
        Exposed::Items => {
            let items: Vec<_> = verified.iter().map(|v| v.item.clone()).collect();
            vec![items::constrain_digest(ctx, hasher, &items)]
        }
        Exposed::Statements(statements) => {
            let all = slots.iter().zip(verified).zip(witness.proofs);
            let opened: Vec<Segment> = all
                .flat_map(|((slot, v), proof)| {
                    items::open(ctx, hasher, slot, &v.item, &proof.items)
                })
                .collect();
            let mut rest = &opened[..];
            let mut words = vec![];
            for (segments, statement) in statements {
                let (own, others) = rest.split_at(*segments);
                words.extend(constrain(ctx, hasher, own, statement));
                rest = others;
            }
            words
        }
    }
}

/// Runs the succinct verifier of one proof.
fn verify<C: PointChip>(
    loader: &Loader<C>,
    hasher: &Hasher<'_>,
    svk: &KzgSuccinctVerifyingKey<G1Affine>,
    slot: &Slot,
    snark: &Snark,
) -> Verified<C::Point> {
    let loaded = Loaded::new(loader, slot, snark);
    let instances = [loaded.instances.clone()];
    let mut transcript = PoseidonTranscript::<Loader<C>, &[u8]>::from_spec(
        loader,
        snark.proof(),
        POSEIDON_SPEC.clone(),
    );
    let proof = Verifier::read_proof(svk, &loaded.protocol, &instances, &mut transcript)
        .expect("length and points were checked natively");
    let end = transcript.squeeze_challenge().into_assigned();
    let accumulators = Verifier::verify(svk, &loaded.protocol, &instances, &proof)
        .expect("the loader defers every check");
    let own = accumulators
        .iter()
        .map(|pair| [&pair.lhs, &pair.rhs].map(|point| point.assigned().clone()));
    let item = loaded.item(loader, hasher);
    let pairs = own.chain(loaded.carried).collect();
    Verified { item, end, pairs }
}

/// What the verifier of one proof is given, in cells. Key and public words are fresh; what is exposed ties them.
pub(crate) struct Loaded<C: PointChip> {
    pub(crate) protocol: PlonkProtocol<G1Affine, Loader<C>>,
    /// log2 of the domain: a constant, or the cell that `protocol` computes its domain from.
    pub(crate) k: AssignedValue<Fr>,
    /// Public words; those of an accumulator are limbs of `carried`.
    pub(crate) instances: Vec<Scalar<C>>,
    /// The pair that a fold exposes.
    pub(crate) carried: Option<Sides<C::Point>>,
}

impl<C: PointChip> Loaded<C> {
    pub(crate) fn new(loader: &Loader<C>, slot: &Slot, snark: &Snark) -> Self {
        let any_domain = matches!(slot, Slot::AnyLayer(_));
        let protocol = snark
            .protocol
            .loaded_preprocessed_as_witness(loader, any_domain);
        let k = match &protocol.domain_as_witness {
            Some(domain) => domain.k.assigned().to_owned(),
            None => {
                let k = Fr::from(snark.protocol.domain.k as u64);
                loader.load_const(&k).into_assigned()
            }
        };
        let (carried, limbs) = carried_pair(loader, slot, snark);
        let given = &snark.instances[0][limbs.len()..];
        let words = given.iter().map(|word| loader.assign_scalar(*word));
        Self {
            k,
            instances: limbs.into_iter().chain(words).collect(),
            carried,
            protocol,
        }
    }

    /// The proof as an item: of the very cells that the verifier is given.
    pub(crate) fn item(&self, loader: &Loader<C>, hasher: &Hasher<'_>) -> AssignedItem {
        let limbs = match self.carried {
            Some(_) => super::ACCUMULATOR_WORDS,
            None => 0,
        };
        let words = self.instances[limbs..].iter();
        AssignedItem {
            k: self.k,
            key_digest: key_digest(loader, hasher, &self.protocol),
            words: words.map(|word| *word.assigned()).collect(),
        }
    }
}

/// The pair that a fold exposes, and its limbs as the instances that say so.
fn carried_pair<C: PointChip>(
    loader: &Loader<C>,
    slot: &Slot,
    snark: &Snark,
) -> (Option<Sides<C::Point>>, Vec<Scalar<C>>) {
    if !slot.accumulates() {
        return (None, vec![]);
    }
    let pair = accumulator::decode(&snark.instances[0][..super::ACCUMULATOR_WORDS]);
    let pair = pair.expect("limbs and points were checked natively");
    let chip = loader.ecc_chip().chip().clone();
    let mut ctx = loader.ctx_mut();
    let points = [pair.lhs, pair.rhs].map(|point| chip.assign_point(ctx.main(), point));
    let limbs: Vec<_> = points
        .iter()
        .flat_map(|point| chip.limbs(ctx.main(), point))
        .collect();
    drop(ctx);
    let limbs = limbs
        .into_iter()
        .map(|limb| loader.scalar_from_assigned(limb));
    (Some(points.map(DeferredPoint::Plain)), limbs.collect())
}

/// Hash of the key: transcript state, then both coordinates of every preprocessed commitment.
fn key_digest<C: PointChip>(
    loader: &Loader<C>,
    hasher: &Hasher<'_>,
    protocol: &PlonkProtocol<G1Affine, Loader<C>>,
) -> AssignedValue<Fr> {
    let state = protocol.transcript_initial_state.clone();
    let state = state.expect("the slot demands it").into_assigned();
    let chip = loader.ecc_chip().chip().clone();
    let coordinates = protocol.preprocessed.iter().flat_map(|point| {
        chip.native_coordinates(point.assigned().plain().expect("assigned as a witness"))
    });
    let key: Vec<_> = std::iter::once(state).chain(coordinates).collect();
    hasher.hash(loader.ctx_mut().main(), &key)
}

/// Folds all pairs and the blind into one and returns its limbs.
fn accumulate<C: PointChip>(
    builder: &mut BaseCircuitBuilder<Fr>,
    chip: &C,
    hasher: &Hasher<'_>,
    verified: &[Verified<C::Point>],
    blind: &Pair,
) -> Vec<AssignedValue<Fr>> {
    let pool = builder.pool(0);
    let ctx = pool.main();
    let blind = [blind.lhs, blind.rhs].map(|point| chip.assign_point(ctx, point));
    let ends = verified
        .iter()
        .flat_map(|v| [v.item.k, v.item.key_digest, v.end]);
    let absorbed: Vec<_> = ends
        .chain(blind.iter().flat_map(|b| chip.native_coordinates(b)))
        .collect();
    let r = hasher.hash(ctx, &absorbed);
    let pairs: Vec<_> = verified.iter().flat_map(|v| &v.pairs).collect();
    let mut powers = vec![r];
    while powers.len() < pairs.len() {
        let next = chip.gate().mul(ctx, powers[powers.len() - 1], r);
        powers.push(next);
    }
    let mut limbs = vec![];
    for (side, blind) in blind.into_iter().enumerate() {
        let ctx = pool.main();
        let scaled = pairs
            .iter()
            .zip(&powers)
            .map(|(pair, p)| pair[side].combination().scaled_by(ctx, chip.gate(), *p))
            .collect();
        let pairs = Combination::pairs(scaled, ctx, chip);
        let point = chip.multi_scalar_multiply(pool, &pairs, &blind);
        limbs.extend(chip.limbs(pool.main(), &point));
    }
    limbs
}
