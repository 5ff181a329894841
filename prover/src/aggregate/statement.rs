//! The statement around the layer proofs, as constraints: the chain of boundaries, the openings of its two ends, and the
//! model commitment. No curve arithmetic here, so it is tested under MockProver at a small k.
//!
//! ```text
//! chain      out(i) = in(i+1)                                        copy constraints
//! input      in(0) = Poseidon(salt_in, I…), or I = in(0)             Poseidon gadget, I… are instances
//! output     out(n−1) = Poseidon(salt_out, O…)                       Poseidon gadget, O… are instances
//! model      M = Poseidon(version, n, (k_i, digest_i)…, salt_M)      Poseidon gadget, M is an instance
//! context    C is an instance and nothing else
//! ```
//! C needs no constraint: every instance is absorbed by the outer proof's transcript before the first challenge, so a
//! proof made with C verifies with C only. The chain recomputes C, and a copied proof is of no use elsewhere.

use super::commitment::MODEL_COMMITMENT_VERSION;
use halo2_base::{
    AssignedValue, Context, gates::GateChip, halo2_proofs::halo2curves::bn256::Fr,
    poseidon::hasher::PoseidonHasher,
};
use snark_verifier_sdk::halo2::POSEIDON_SPEC;

/// Poseidon gadget with the parameters of `crate::poseidon`.
pub(crate) struct Hasher<'a> {
    gate: &'a GateChip<Fr>,
    poseidon: PoseidonHasher<Fr, 3, 2>,
}

impl<'a> Hasher<'a> {
    pub(crate) fn new(ctx: &mut Context<Fr>, gate: &'a GateChip<Fr>) -> Self {
        let mut poseidon = PoseidonHasher::new(POSEIDON_SPEC.clone());
        poseidon.initialize_consts(ctx, gate);
        Self { gate, poseidon }
    }

    pub(crate) fn hash(
        &self,
        ctx: &mut Context<Fr>,
        inputs: &[AssignedValue<Fr>],
    ) -> AssignedValue<Fr> {
        self.poseidon.hash_fix_len_array(ctx, self.gate, inputs)
    }
}

/// A segment as the statement sees it. `key_digest` is the hash of the very cells that the in-circuit verifier used as
/// the segment's key, `boundary` the very cells that it used as its instances.
#[derive(Clone, Copy)]
pub(crate) struct Segment {
    /// log2 of the domain: a constant, or the very cell that the in-circuit verifier took it from.
    pub(crate) k: AssignedValue<Fr>,
    pub(crate) key_digest: AssignedValue<Fr>,
    /// `[in, out]`
    pub(crate) boundary: [AssignedValue<Fr>; 2],
}

/// Private values that the statement opens.
#[derive(Clone, Debug)]
pub(crate) struct StatementWitness<'a> {
    /// `None`: the input stays committed.
    pub(crate) input: Option<(Fr, &'a [Fr])>,
    pub(crate) output: (Fr, &'a [Fr]),
    pub(crate) model_salt: Fr,
    pub(crate) context: Fr,
}

impl StatementWitness<'_> {
    /// Words that are exposed: M, I…, O…, C.
    pub(crate) fn count(&self) -> usize {
        let inputs = self.input.map_or(1, |(_, words)| words.len());
        1 + inputs + self.output.1.len() + 1
    }
}

/// Constrains the statement and returns the cells to expose: M, I…, O…, C.
pub(crate) fn constrain(
    ctx: &mut Context<Fr>,
    hasher: &Hasher<'_>,
    segments: &[Segment],
    witness: &StatementWitness<'_>,
) -> Vec<AssignedValue<Fr>> {
    for pair in segments.windows(2) {
        ctx.constrain_equal(&pair[0].boundary[1], &pair[1].boundary[0]);
    }
    let first = segments.first().expect("a shape has segments").boundary[0];
    let last = segments.last().expect("a shape has segments").boundary[1];
    let model = model_commitment(ctx, hasher, segments, witness.model_salt);
    let inputs = match witness.input {
        Some((salt, words)) => open(ctx, hasher, first, salt, words),
        None => vec![first],
    };
    let outputs = open(ctx, hasher, last, witness.output.0, witness.output.1);
    let context = ctx.load_witness(witness.context);
    [vec![model], inputs, outputs, vec![context]].concat()
}

fn model_commitment(
    ctx: &mut Context<Fr>,
    hasher: &Hasher<'_>,
    segments: &[Segment],
    salt: Fr,
) -> AssignedValue<Fr> {
    let mut inputs: Vec<_> = [MODEL_COMMITMENT_VERSION, segments.len() as u64]
        .map(|c| ctx.load_constant(Fr::from(c)))
        .to_vec();
    for segment in segments {
        inputs.extend([segment.k, segment.key_digest]);
    }
    inputs.push(ctx.load_witness(salt));
    hasher.hash(ctx, &inputs)
}

/// The words are fresh cells; the equality with `commitment` pins them (Poseidon is collision resistant).
fn open(
    ctx: &mut Context<Fr>,
    hasher: &Hasher<'_>,
    commitment: AssignedValue<Fr>,
    salt: Fr,
    words: &[Fr],
) -> Vec<AssignedValue<Fr>> {
    let salt = ctx.load_witness(salt);
    let words = ctx.assign_witnesses(words.iter().copied());
    let hash = hasher.hash(ctx, &[vec![salt], words.clone()].concat());
    ctx.constrain_equal(&hash, &commitment);
    words
}
