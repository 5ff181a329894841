//! Outer proofs that only the owner of the reference string's secret can make: valid in themselves, for any public words.
//! Under the development string that is everybody, and it is the only way to see that the pair that a circuit exposes is
//! checked too: an honest circuit never leaves a bad one.
//!
//! SHPLONK leaves the pair (F + z'·W', W'), valid exactly if F = (τ − z')·W'; z' is squeezed before W' is read, and F does
//! not depend on W'. So whoever knows τ takes any proof, any public words, and ends with W' = F / (τ − z').

use super::{stored_proof, stored_vk};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Fq, Fr, G1, G1Affine},
    ff::{Field, FromUniformBytes, PrimeField},
    group::Curve,
};
use halocast_prover::aggregate::{ACCUMULATOR_WORDS, AggregationVk, OuterProof, VerifyError};
use halocast_prover::srs::DEVELOPMENT_SECRET;
use sha2::{Digest, Sha512};
use snark_verifier::{
    Error,
    loader::native::NativeLoader,
    system::halo2::transcript::evm::EvmTranscript,
    util::transcript::{Transcript, TranscriptRead},
    verifier::SnarkVerifier,
};
use snark_verifier_sdk::{PlonkSuccinctVerifier, SHPLONK};

/// Bytes of W', the last point of a proof.
const LAST_POINT: usize = 64;

/// A transcript that keeps the challenge squeezed last.
struct Recorder<'a> {
    inner: EvmTranscript<G1Affine, NativeLoader, &'a [u8], Vec<u8>>,
    last: Fr,
}

impl Transcript<G1Affine, NativeLoader> for Recorder<'_> {
    fn loader(&self) -> &NativeLoader {
        self.inner.loader()
    }

    fn squeeze_challenge(&mut self) -> Fr {
        self.last = self.inner.squeeze_challenge();
        self.last
    }

    fn common_ec_point(&mut self, point: &G1Affine) -> Result<(), Error> {
        self.inner.common_ec_point(point)
    }

    fn common_scalar(&mut self, scalar: &Fr) -> Result<(), Error> {
        self.inner.common_scalar(scalar)
    }
}

impl TranscriptRead<G1Affine, NativeLoader> for Recorder<'_> {
    fn read_scalar(&mut self) -> Result<Fr, Error> {
        self.inner.read_scalar()
    }

    fn read_ec_point(&mut self) -> Result<G1Affine, Error> {
        self.inner.read_ec_point()
    }
}

fn big_endian(x: Fq) -> impl Iterator<Item = u8> {
    x.to_repr().into_iter().rev()
}

/// A proof that is valid in itself for any public words.
pub(crate) fn forge(vk: &AggregationVk, instances: Vec<Fr>) -> OuterProof {
    let mut proof = stored_proof("three-layers").proof;
    let body = proof.len() - LAST_POINT;
    proof.truncate(body);
    let placeholder = G1Affine::generator();
    proof.extend(big_endian(placeholder.x).chain(big_endian(placeholder.y)));

    let words = [instances.clone()];
    let mut transcript = Recorder {
        inner: EvmTranscript::<G1Affine, NativeLoader, _, _>::new(proof.as_slice()),
        last: Fr::ZERO,
    };
    // Without the exposed pair, whose limbs a vector may have damaged; the transcript is the same.
    let mut protocol = vk.protocol().clone();
    protocol.accumulator_indices.clear();
    let svk = vk.deciding_key().svk();
    type Verifier = PlonkSuccinctVerifier<SHPLONK>;
    let read = Verifier::read_proof(&svk, &protocol, &words, &mut transcript).unwrap();
    let z = transcript.last;
    let pair = Verifier::verify(&svk, &protocol, &words, &read)
        .unwrap()
        .remove(0);

    let tau = Fr::from_uniform_bytes(&Sha512::digest(DEVELOPMENT_SECRET.as_bytes()).into());
    let f = G1::from(pair.lhs) - placeholder * z;
    let last = (f * (tau - z).invert().unwrap()).to_affine();
    proof.truncate(body);
    proof.extend(big_endian(last.x).chain(big_endian(last.y)));
    OuterProof { instances, proof }
}

/// The twelve limbs of a pair, of 88 bits, as big integers of coordinates that need not be canonical.
fn limbs(coordinates: [[u64; 5]; 4]) -> Vec<Fr> {
    let limb = |words: &[u64; 5], i: usize| {
        let (at, shift) = (88 * i / 64, 88 * i % 64);
        let low = u128::from(words[at]) | u128::from(words[at + 1]) << 64;
        let high = words.get(at + 2).map_or(0, |w| u128::from(*w));
        let value = (low >> shift) | if shift > 40 { high << (128 - shift) } else { 0 };
        Fr::from_u128(value & ((1 << 88) - 1))
    };
    let all = coordinates
        .iter()
        .flat_map(|c| (0..3).map(move |i| limb(c, i)));
    all.collect()
}

fn integer(x: Fq) -> [u64; 5] {
    let bytes = x.to_repr();
    std::array::from_fn(|i| match bytes.get(8 * i..8 * i + 8) {
        Some(word) => u64::from_le_bytes(word.try_into().unwrap()),
        None => 0,
    })
}

/// x + p, as an integer.
fn plus_modulus(x: Fq) -> [u64; 5] {
    let (a, mut p) = (integer(x), integer(-Fq::ONE));
    p[0] += 1;
    let mut carry = 0u128;
    std::array::from_fn(|i| {
        let sum = u128::from(a[i]) + u128::from(p[i]) + carry;
        carry = sum >> 64;
        sum as u64
    })
}

/// Public words with another pair in front.
fn with_pair(instances: &[Fr], pair: Vec<Fr>) -> Vec<Fr> {
    [pair, instances[ACCUMULATOR_WORDS..].to_vec()].concat()
}

/// Name, public words, and what a verifier must say of the proof forged for them.
pub(crate) fn vectors() -> Vec<(&'static str, Vec<Fr>, Result<(), VerifyError>)> {
    let honest = stored_proof("three-layers").instances;
    let g = G1Affine::generator();
    let (x, y, two) = (integer(g.x), integer(g.y), (g + g).to_affine());
    let mut other_output = honest.clone();
    *other_output.iter_mut().rev().nth(1).unwrap() += Fr::ONE;
    let mut wide = limbs([x, y, x, y]);
    wide[0] += Fr::from_u128(1 << 88);
    wide[1] -= Fr::ONE;
    let pair = |coordinates| with_pair(&honest, limbs(coordinates));
    let malformed = || Err(VerifyError::Accumulator);
    vec![
        // These two are what the secret is for: they show that the forgery itself works.
        ("as it was", honest.clone(), Ok(())),
        ("another output", other_output, Ok(())),
        (
            "points that do not pair",
            pair([x, y, x, y]),
            Err(VerifyError::AccumulatedProofs),
        ),
        (
            "other points that do not pair",
            pair([x, y, integer(two.x), integer(two.y)]),
            Err(VerifyError::AccumulatedProofs),
        ),
        ("x + p", pair([plus_modulus(g.x), y, x, y]), malformed()),
        ("y + p", pair([x, y, x, plus_modulus(g.y)]), malformed()),
        ("not on the curve", pair([x, x, x, y]), malformed()),
        ("zeros", pair([[0; 5]; 4]), malformed()),
        ("limb of 2^88", with_pair(&honest, wide), malformed()),
    ]
}

#[test]
fn the_exposed_pair_is_checked_whatever_the_proof_itself_says() {
    let vk = stored_vk("three-layers");
    for (what, words, expected) in vectors() {
        assert_eq!(vk.verify(&forge(&vk, words)), expected, "{what}");
    }
}
