//! The differential test: more than a thousand mutated proofs, each judged by the native verifier here and by the contracts in
//! `forge/`, from one stored file a fixture. A mutation is a list of words written over the fixture's calldata.

use super::{coordinate, golden, scalar, stored_proof, stored_vk};
use crate::{dag::word, shape::Shape};
use halo2_base::halo2_proofs::halo2curves::bn256::{Fq, Fr};
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_prover::aggregate::{AggregationVk, OuterProof, VerifyError};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;

const SEED: u64 = 0x6861_6c6f_6361_7374;

type Word = [u8; 32];

/// Words to be written, by their index in calldata.
type Mutation = Vec<(usize, Word)>;

struct Target {
    words: Vec<Word>,
    instances: usize,
    /// First words of the points.
    points: Vec<usize>,
    evaluations: std::ops::Range<usize>,
}

impl Target {
    fn new(vk: &AggregationVk, proof: &OuterProof) -> Self {
        let shape = Shape::new(vk.protocol(), vk.deciding_key()).unwrap();
        let calldata = proof.raw_calldata();
        let words: Vec<Word> = calldata.chunks(32).map(|w| w.try_into().unwrap()).collect();
        let instances = shape.instances;
        let evaluations = instances + 2 * shape.points();
        let evaluations = evaluations..evaluations + shape.evaluations.len();
        let early = (0..shape.points()).map(|i| instances + 2 * i);
        let late = [evaluations.end, evaluations.end + 2];
        let points = early.chain(late).collect();
        Self {
            words,
            instances,
            points,
            evaluations,
        }
    }

    /// Every word: neighbours, extremes, other representatives modulo r and q, one random bit, a random value.
    fn of_each_word(&self, rng: &mut ChaCha20Rng) -> Vec<Mutation> {
        let mut all = Vec::new();
        for (at, old) in self.words.iter().enumerate() {
            let mut bit = *old;
            bit[rng.gen_range(0..32)] ^= 1 << rng.gen_range(0..8);
            let random: Word = rng.r#gen();
            let values = [
                plus(old, &[1]),
                plus(old, &[0xff; 32]),
                plus(old, &modulus(word(-Fr::ONE))),
                plus(old, &modulus(word(-Fq::ONE))),
                [0; 32],
                [0xff; 32],
                bit,
                random,
            ];
            all.extend(values.map(|value| vec![(at, value)]));
        }
        all
    }

    /// Every point: negated, at infinity, G1, the next point.
    fn of_each_point(&self) -> Vec<Mutation> {
        let mut all = Vec::new();
        for (i, &at) in self.points.iter().enumerate() {
            let y = coordinate(&self.words[at + 1]).unwrap();
            let next = self.points[(i + 1) % self.points.len()];
            let with = |x: Word, y: Word| vec![(at, x), (at + 1, y)];
            all.push(vec![(at + 1, word(-y))]);
            all.push(with([0; 32], [0; 32]));
            all.push(with(word(Fq::ONE), word(Fq::from(2))));
            all.push(with(self.words[next], self.words[next + 1]));
        }
        all
    }

    /// Neighbours exchanged: public words, evaluations.
    fn swaps(&self) -> Vec<Mutation> {
        let pairs = (1..self.instances).chain(self.evaluations.clone().skip(1));
        pairs
            .map(|at| vec![(at - 1, self.words[at]), (at, self.words[at - 1])])
            .collect()
    }

    fn apply(&self, mutation: &Mutation) -> Vec<Word> {
        let mut words = self.words.clone();
        for (at, value) in mutation {
            words[*at] = *value;
        }
        words
    }
}

/// Modulo 2^256.
fn plus(a: &Word, b: &[u8]) -> Word {
    let mut sum = *a;
    let mut carry = 0;
    for i in 0..32 {
        let digit = if i < b.len() { b[b.len() - 1 - i] } else { 0 };
        let value = u16::from(sum[31 - i]) + u16::from(digit) + carry;
        sum[31 - i] = value as u8;
        carry = value >> 8;
    }
    sum
}

fn modulus(minus_one: Word) -> Word {
    plus(&minus_one, &[1])
}

/// Public words are field elements by type natively: a word that is none is refused.
fn native_accepts(vk: &AggregationVk, words: &[Word], instances: usize) -> bool {
    let (public, proof) = words.split_at(instances);
    let public: Option<Vec<Fr>> = public.iter().map(|w| scalar(w)).collect();
    public.is_some_and(|instances| {
        let proof = proof.concat();
        vk.verify(&OuterProof { instances, proof }).is_ok()
    })
}

#[test]
fn v12_native_verdicts_of_the_mutated_proofs() {
    verdicts_of("three-layers");
}

/// The key of a wrap over a fold: another shape, a carried accumulator behind it.
#[test]
fn v12_native_verdicts_of_the_mutated_proofs_of_a_wrap() {
    verdicts_of("wrap");
}

fn verdicts_of(name: &str) {
    let (vk, proof) = (stored_vk(name), stored_proof(name));
    let target = Target::new(&vk, &proof);
    let mut rng = ChaCha20Rng::seed_from_u64(SEED);
    println!("seed {SEED:#x}");
    let mut mutations = vec![vec![]];
    mutations.extend(target.of_each_word(&mut rng));
    mutations.extend(target.of_each_point());
    mutations.extend(target.swaps());
    assert!(mutations.len() > 1000, "{}", mutations.len());
    let verdicts: Vec<bool> = mutations
        .par_iter()
        .map(|m| native_accepts(&vk, &target.apply(m), target.instances))
        .collect();
    for (mutation, verdict) in mutations.iter().zip(&verdicts) {
        let same = target.apply(mutation) == target.words;
        assert_eq!(*verdict, same, "{mutation:?}");
    }
    golden(
        &format!("{name}/mutations.bin"),
        &encode(&mutations, &verdicts),
    );
}

/// Records: verdict, number of words, then 16 bits of index and 32 bytes for each word.
fn encode(mutations: &[Mutation], verdicts: &[bool]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (mutation, verdict) in mutations.iter().zip(verdicts) {
        bytes.extend([u8::from(*verdict), u8::try_from(mutation.len()).unwrap()]);
        for (at, value) in mutation {
            bytes.extend(u16::try_from(*at).unwrap().to_be_bytes());
            bytes.extend(value);
        }
    }
    bytes
}

#[test]
fn every_other_length_is_refused_natively() {
    for name in ["three-layers", "wrap"] {
        let (vk, good) = (stored_vk(name), stored_proof(name));
        let expected = good.proof.len();
        for got in (0..expected + 64).filter(|n| *n != expected) {
            let mut bad = good.clone();
            bad.proof.resize(got, 0);
            assert_eq!(
                vk.verify(&bad),
                Err(VerifyError::ProofLength { got, expected })
            );
        }
    }
}
