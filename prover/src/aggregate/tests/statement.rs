//! The statement under MockProver: accepted when true, refused for each lie by itself.

use crate::{
    aggregate::{
        MODEL_COMMITMENT_VERSION,
        statement::{Hasher, Segment, StatementWitness, constrain},
    },
    poseidon::{boundary_commitment, poseidon_hash},
};
use halo2_base::{
    gates::{
        RangeInstructions,
        circuit::{CircuitBuilderStage, builder::BaseCircuitBuilder},
    },
    halo2_proofs::{
        dev::MockProver,
        halo2curves::{bn256::Fr, ff::Field},
    },
};

/// Native values of a statement of three segments.
#[derive(Clone)]
struct Case {
    segments: Vec<(u32, Fr, [Fr; 2])>,
    input: Option<(Fr, Vec<Fr>)>,
    output: (Fr, Vec<Fr>),
    model_salt: Fr,
    context: Fr,
}

fn f(v: u64) -> Fr {
    Fr::from(v)
}

impl Case {
    fn honest() -> Self {
        let (input, output) = ((f(11), vec![f(1), f(2), f(3)]), (f(12), vec![f(4), f(5)]));
        let cuts = [
            boundary_commitment(input.0, &input.1),
            f(71),
            f(72),
            boundary_commitment(output.0, &output.1),
        ];
        let segments = (0..3)
            .map(|i| (17 + i as u32, f(100 + i as u64), [cuts[i], cuts[i + 1]]))
            .collect();
        Self {
            segments,
            input: Some(input),
            output,
            model_salt: f(13),
            context: f(14),
        }
    }

    fn model(&self) -> Fr {
        let mut words = vec![f(MODEL_COMMITMENT_VERSION), f(self.segments.len() as u64)];
        self.segments
            .iter()
            .for_each(|(k, digest, _)| words.extend([f(u64::from(*k)), *digest]));
        words.push(self.model_salt);
        poseidon_hash(&words)
    }

    /// What a verifier would be given.
    fn public(&self) -> Vec<Fr> {
        let inputs = self
            .input
            .as_ref()
            .map_or(vec![self.segments[0].2[0]], |(_, words)| words.clone());
        [
            vec![self.model()],
            inputs,
            self.output.1.clone(),
            vec![self.context],
        ]
        .concat()
    }

    fn holds_for(&self, public: Vec<Fr>) -> bool {
        let k = 14;
        let mut builder = BaseCircuitBuilder::<Fr>::from_stage(CircuitBuilderStage::Mock)
            .use_k(k)
            .use_lookup_bits(k - 1)
            .use_instance_columns(1);
        let range = builder.range_chip();
        let ctx = builder.main(0);
        let hasher = Hasher::new(ctx, range.gate());
        let segments: Vec<Segment> = self
            .segments
            .iter()
            .map(|(k, digest, boundary)| Segment {
                k: ctx.load_constant(f(u64::from(*k))),
                key_digest: ctx.load_witness(*digest),
                boundary: boundary.map(|b| ctx.load_witness(b)),
            })
            .collect();
        let witness = StatementWitness {
            input: self.input.as_ref().map(|(salt, words)| (*salt, &words[..])),
            output: (self.output.0, &self.output.1),
            model_salt: self.model_salt,
            context: self.context,
        };
        let exposed = constrain(ctx, &hasher, &segments, &witness);
        assert_eq!(exposed.len(), public.len());
        builder.assigned_instances[0] = exposed;
        builder.calculate_params(Some(20));
        MockProver::run(k as u32, &builder, vec![public])
            .unwrap()
            .verify()
            .is_ok()
    }

    fn holds(&self) -> bool {
        self.holds_for(self.public())
    }
}

#[test]
fn true_statement_is_accepted() {
    assert!(Case::honest().holds());
}

#[test]
fn committed_input_is_the_boundary_itself() {
    let mut case = Case::honest();
    case.input = None;
    assert!(case.holds());
    let mut public = case.public();
    public[1] += Fr::ONE;
    assert!(!case.holds_for(public));
}

#[test]
fn each_public_word_is_bound() {
    let case = Case::honest();
    for i in 0..case.public().len() {
        let mut public = case.public();
        public[i] += Fr::ONE;
        assert!(!case.holds_for(public), "public word {i}");
    }
}

#[test]
fn broken_chain_is_refused() {
    for i in 1..3 {
        let mut case = Case::honest();
        case.segments[i].2[0] += Fr::ONE;
        assert!(!case.holds(), "input of segment {i}");
    }
    let mut case = Case::honest();
    case.segments.swap(0, 1);
    assert!(!case.holds(), "swapped segments");
}

#[test]
fn wrong_openings_are_refused() {
    let lies: [fn(&mut Case); 5] = [
        |c| c.output.0 += Fr::ONE,
        |c| c.output.1[1] += Fr::ONE,
        |c| c.input.as_mut().unwrap().0 += Fr::ONE,
        |c| c.input.as_mut().unwrap().1.swap(0, 1),
        |c| c.segments[2].2[1] += Fr::ONE,
    ];
    for (i, lie) in lies.iter().enumerate() {
        let mut case = Case::honest();
        lie(&mut case);
        assert!(!case.holds(), "lie {i}");
    }
}

#[test]
fn model_commitment_depends_on_every_part() {
    let public = Case::honest().public();
    let lies: [fn(&mut Case); 4] = [
        |c| c.model_salt += Fr::ONE,
        |c| c.segments[1].0 += 1,
        |c| c.segments[2].1 += Fr::ONE,
        |c| {
            let digest = c.segments[0].1;
            c.segments[0].1 = c.segments[1].1;
            c.segments[1].1 = digest;
        },
    ];
    for (i, lie) in lies.iter().enumerate() {
        let mut case = Case::honest();
        lie(&mut case);
        assert!(!case.holds_for(public.clone()), "lie {i}");
        assert!(case.holds(), "the other model is a model of its own");
    }
}
