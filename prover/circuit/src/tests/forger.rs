//! The forger's set: what a prover who wants to be believed would try, each against the verifier that must refuse it. He may
//! choose phase 0 freely, knows the proving key, and makes everything else consistent with his lie.
//!
//! | lie | who refuses | how | test |
//! |---|---|---|---|
//! | a challenge taken for a constant (ρ = 2): a false product whose error ρ = 2 cannot see | layer verifier | ρ, σ come from the transcript after phase 0: the accumulators of ρ = 2 break `step_result`, those of the true ρ `mul_end` | here, real proof |
//! | weights of two layers swapped | layer verifier | `mul_end` of both products: the weights are fixed columns of the key | here, real proof |
//! | the same under a key of its own; a segment of another model | layer verifier with the model's key; leaf, registry | the transcript starts from the key; M hashes the keys that were used | here (real proof), `aggregate::tests::whole` (`the_key_does_not_depend_on_the_weights`), `real_proofs_of_lies_about_chains` |
//! | segments swapped, or one left out | aggregation, before it starts and in its circuit; `halocast verify` | out(i) = in(i+1); number of slots | `aggregate::tests`: `wrong_inputs_…`, `broken_chain_is_refused`, `real_proofs_of_lies_about_chains` (real proofs); `tests/layers.rs` |
//! | a softmax row without its last element | layer verifier | permutation: maximum and exponential read copies of the element | here, real proof |
//! | arg-max of a tie at the higher index | layer verifier | `wide`: the lower index has the larger key, the difference is −1 | here, real proof |
//! | saturated where nothing is | layer verifier | `narrow` (1); with a negative excess the range of E; with an excess beside a result in range `narrow` (2) | here, real proofs |
//! | a row of a function table | layer verifier | the lookup's sum is not 0 at its end; closed by force, `logup` (1), (2), or (3) where it starts | here, real proofs |
//! | another instance than A of its row; another A, too | layer verifier | `reveal`; permutation: A is a copy of the sponge's result | here, real proofs |
//! | multiplicities moved from one row to another | layer verifier | the lookup's sum is not 0 at its end | here, real proof |
//! | another embedding row, or a changed one | layer verifier | lookup of the fingerprint | `splices` |
//! | a salt used twice | nobody: it is no lie | both commitments still open to one value each; whoever sees them learns whether the values are equal | here, real proof |
//! | another output, request, model; a changed bit; an instance plus r | leaf, oracle | instances are in the transcript; ranges | `cli/src/demo/forgeries.rs`, `contracts/test` |
//!
//! `every_lie_breaks_what_it_says_and_nothing_else` says so constraint by constraint; real proofs of six are made in `make test`,
//! of all in `make test-proofs`.

mod cast;

use super::checker::{Broken, Checker};
use super::ops::Case;
use crate::builder::LOGUP_START_ROW;
use crate::circuit::{drawn, phase0};
use crate::layout::{Accumulators, ChallengeValues, Layout};
use crate::proof::prove_witness;
use crate::{CircuitError, LayerKey, LayerProof, LayerProvingKey, boundary_instances, verify};
use cast::{Expected, Lie, honest, lies, other_model};
use halo2_base::halo2_proofs::halo2curves::bn256::{Bn256, Fr};
use halo2_base::halo2_proofs::poly::kzg::commitment::ParamsKZG;
use halocast_plonk::{Phases, ProveError, Witness};
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use std::sync::LazyLock;

/// What the prover does once he has seen the challenges.
#[derive(Clone, Copy, Debug)]
enum Phase1 {
    /// What the protocol says.
    Honest,
    /// The same for challenges that he took for constants.
    Known(ChallengeValues),
    /// He closes the lookup's sum by where it starts.
    ClosedAtStart,
    /// He closes it by a jump on this row.
    ClosedBySum(usize),
    /// He closes it by the helper of this row.
    ClosedByHelper(usize),
}

impl Phase1 {
    fn columns(self, layout: &Layout, challenges: &ChallengeValues) -> Accumulators {
        let mut columns = match &self {
            Phase1::Known(constants) => layout.accumulate(constants),
            _ => layout.accumulate(challenges),
        };
        let open = columns.sum[layout.last];
        let from = match self {
            Phase1::ClosedAtStart => LOGUP_START_ROW,
            Phase1::ClosedBySum(row) => row + 1,
            Phase1::ClosedByHelper(row) => {
                columns.helper[row] -= open;
                row + 1
            }
            _ => return columns,
        };
        let rest = &mut columns.sum[from..=layout.last];
        rest.iter_mut().for_each(|s| *s -= open);
        columns
    }
}

/// The columns of a prover who does as he likes.
struct ForgedWitness {
    layout: Layout,
    phase1: Phase1,
}

impl Witness for ForgedWitness {
    fn fill(&mut self, phases: &mut dyn Phases) -> Result<(), ProveError> {
        let challenges = drawn(phases.commit(phase0(&self.layout))?);
        let columns = self.phase1.columns(&self.layout, &challenges);
        phases.commit(columns.columns())?;
        Ok(())
    }
}

/// The key of the honest program, made once.
struct Verifier {
    case: Case,
    params: ParamsKZG<Bn256>,
    key: LayerKey,
    proving: LayerProvingKey,
}

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let case = honest();
    let params = ParamsKZG::<Bn256>::setup(case.segment.k, ChaCha12Rng::seed_from_u64(1));
    let key = LayerKey::generate(&params, &case.program, &case.segment).unwrap();
    let proving = key.proving_key(&params, &case.program, &case.segment);
    let proving = proving.unwrap();
    Verifier {
        case,
        params,
        key,
        proving,
    }
});

impl Verifier {
    fn accepts(&self, proof: &LayerProof) -> bool {
        match verify(&self.params, &self.key, &self.case.segment, proof) {
            Ok(()) => true,
            Err(CircuitError::InvalidProof { .. }) => false,
            Err(other) => panic!("{other}"),
        }
    }

    /// A real proof of whatever the prover says.
    fn proof_of(&self, lie: Lie) -> LayerProof {
        let instances = lie.instances;
        let mut witness = ForgedWitness {
            layout: lie.layout,
            phase1: lie.phase1,
        };
        let rng = ChaCha12Rng::seed_from_u64(3);
        let proof = prove_witness(&self.params, &self.proving, &mut witness, instances, rng);
        LayerProof {
            instances,
            proof: proof.unwrap(),
        }
    }

    fn refuses(&self, lie: Lie) {
        let name = lie.name;
        assert!(!self.accepts(&self.proof_of(lie)), "{name} is accepted");
    }
}

/// Everything that a lie breaks, under challenges that its prover did not know.
fn broken(lie: &Lie, checker: &Checker) -> Vec<Broken> {
    let mut broken = checker.every_broken(&lie.layout, lie.instances);
    // A lookup that names no row shows in the sum.
    broken.retain(|broken| !matches!(broken, Broken::Lookup { .. }));
    let columns = lie.phase1.columns(&lie.layout, &checker.challenges());
    match lie.phase1 {
        // Columns for other challenges break a gate on most rows; what else is broken is what an honest phase 1 shows.
        Phase1::Known(_) => {}
        _ => broken.extend(checker.broken_sums(&lie.layout, &columns, lie.layout.rows.len())),
    }
    broken
}

#[test]
fn every_lie_breaks_what_it_says_and_nothing_else() {
    let checker = Checker::new();
    for lie in lies(&honest()) {
        let found = broken(&lie, &checker);
        let kinds: Vec<Expected> = found.iter().map(Expected::of).collect();
        assert_eq!(kinds, lie.broken, "{}: {found:?}", lie.name);
    }
}

/// The control of the constant challenge: were ρ what the prover thinks it is, all would hold.
#[test]
fn a_constant_challenge_would_be_forgeable() {
    let lie = cast::constant_challenge(&honest());
    let Phase1::Known(constants) = lie.phase1 else {
        panic!("{:?}", lie.phase1)
    };
    let checker = Checker::with_challenges(constants);
    assert_eq!(checker.every_broken(&lie.layout, lie.instances), []);
    let columns = lie.phase1.columns(&lie.layout, &constants);
    let rows = lie.layout.last;
    assert_eq!(checker.broken_sums(&lie.layout, &columns, rows), []);
    assert_ne!(lie.instances, honest().instances(), "another output");
}

/// One salt at both ends, and for a second run. The proof is as good as any; what is lost is hiding.
fn with_one_salt(case: &Case, salt: u64) -> [Fr; 2] {
    boundary_instances(&case.segment, &case.trace, [Fr::from(salt); 2])
}

#[test]
fn a_salt_used_twice_shows_equal_values_and_nothing_else() {
    let case = honest();
    let other = case.on_other_inputs();
    let first = with_one_salt(&case, 11);
    // Equal values under one salt are seen to be equal; under two they are not.
    assert_eq!(first, with_one_salt(&honest(), 11));
    assert_ne!(first[0], with_one_salt(&case, 12)[0]);
    // It opens to nothing else: other values have other commitments.
    assert_ne!(first[0], with_one_salt(&other, 11)[0]);
    assert_ne!(first[1], with_one_salt(&other, 11)[1]);
}

/// Real proofs of six lies that fail in different arguments, or on the first rows; and of no lie, with one salt at both ends.
#[test]
fn dishonest_layer_proofs_do_not_verify() {
    let verifier = &*VERIFIER;
    let truth = cast::truth_with_one_salt(&verifier.case);
    assert!(verifier.accepts(&verifier.proof_of(truth)));
    let tried = [
        "constant challenge",
        "truncated softmax row",
        "higher index of a tie",
        "table row, closed by the helper",
        "table row, closed where the sum starts",
        "another instance",
    ];
    let mut lies = lies(&verifier.case);
    lies.retain(|lie| tried.contains(&lie.name));
    assert_eq!(lies.len(), tried.len());
    lies.into_iter().for_each(|lie| verifier.refuses(lie));
}

/// All of them, and an honest proof of another model.
#[test]
#[ignore = "a real proof of every lie"]
fn real_proofs_of_lies_about_layers_do_not_verify() {
    let verifier = &*VERIFIER;
    let params = &verifier.params;
    lies(&verifier.case)
        .into_iter()
        .for_each(|lie| verifier.refuses(lie));
    let other = other_model(&verifier.case);
    let key = LayerKey::generate(params, &other.program, &other.segment).unwrap();
    let proving = key.proving_key(params, &other.program, &other.segment);
    let (salts, rng) = (Case::salts(), ChaCha12Rng::seed_from_u64(4));
    let (program, segment, trace) = (&other.program, &other.segment, &other.trace);
    let proof = crate::prove(
        params,
        &proving.unwrap(),
        program,
        segment,
        trace,
        salts,
        rng,
    );
    let proof = proof.unwrap();
    verify(params, &key, segment, &proof).unwrap();
    assert!(!verifier.accepts(&proof), "a segment of another model");
}
