//! The whole way with two small layer proofs: key, proof, native verifier, and what each of them refuses. One key and one
//! proof are made for all tests here; that takes about two minutes of CPU time.

use super::layer::{Size, prove};
use crate::{
    aggregate::{
        AggregateError, AggregationConfig, AggregationKey, AggregationRequest, AggregationShape,
        AggregationVk, InnerProof, InputVisibility, InstanceLayout, Openings, OuterProof, Snark,
        Stated, VerifyError,
        accumulator::{self, Pair},
        commitment::native_coordinates,
        model_commitment, segment_key_digest, verify_layer_proof,
    },
    poseidon::{boundary_commitment, poseidon_hash},
    srs::{Srs, SrsSource, SrsStore, default_cache_dir},
};
use halo2_base::halo2_proofs::{
    halo2curves::{
        bn256::{Fr, G1, G1Affine},
        ff::Field,
        group::Curve,
    },
    poly::commitment::ParamsProver,
};
use rand::{SeedableRng, rngs::StdRng};
use snark_verifier::{
    loader::native::NativeLoader, pcs::kzg::KzgSuccinctVerifyingKey, util::transcript::Transcript,
    verifier::SnarkVerifier,
};
use snark_verifier_sdk::{
    PlonkSuccinctVerifier, SHPLONK,
    halo2::{POSEIDON_SPEC, PoseidonTranscript},
};
use std::sync::LazyLock;

pub(super) fn f(v: u64) -> Fr {
    Fr::from(v)
}

pub(super) fn openings() -> Openings {
    Openings {
        salt_in: f(1),
        inputs: vec![f(2)],
        salt_out: f(3),
        outputs: vec![f(4), f(5)],
    }
}

/// With salt and context.
pub(super) fn stated(openings: &Openings) -> Stated<'_> {
    Stated {
        openings,
        model_salt: f(SALT),
        context: f(CONTEXT),
    }
}

/// Boundaries of a chain of n layers.
pub(super) fn cuts(n: u64) -> Vec<Fr> {
    cuts_between(&openings(), n)
}

pub(super) fn cuts_between(o: &Openings, n: u64) -> Vec<Fr> {
    let mut cuts: Vec<Fr> = (0..=n).map(|i| f(1000 + i)).collect();
    cuts[0] = boundary_commitment(o.salt_in, &o.inputs);
    cuts[n as usize] = boundary_commitment(o.salt_out, &o.outputs);
    cuts
}

/// An honest chain; weights differ between layers and between seeds.
pub(super) fn chain(size: Size, seed: u64, n: u64) -> Vec<Snark> {
    let cuts = cuts(n);
    (0..n)
        .map(|i| prove(size, seed + i, [cuts[i as usize], cuts[i as usize + 1]]))
        .collect()
}

fn shape_of(snarks: &[Snark]) -> AggregationShape {
    let protocols: Vec<_> = snarks.iter().map(|s| &s.protocol).collect();
    AggregationShape::new(&protocols, 1, 2, InputVisibility::Public).unwrap()
}

/// As they go into an aggregation.
pub(super) fn proofs_of(snarks: &[Snark]) -> Vec<InnerProof> {
    snarks.iter().cloned().map(InnerProof::from).collect()
}

pub(super) struct Fixture {
    pub(super) snarks: Vec<Snark>,
    pub(super) proofs: Vec<InnerProof>,
    pub(super) key: AggregationKey,
    pub(super) srs: Srs,
    outer: OuterProof,
}

/// Seed of the blind in filled circuits.
const FILL_SEED: u64 = 5;
pub(super) const SALT: u64 = 77;
pub(super) const CONTEXT: u64 = 88;

impl Fixture {
    pub(super) fn request<'a>(&'a self, stated: &'a [Stated<'a>]) -> AggregationRequest<'a> {
        AggregationRequest {
            proofs: &self.proofs,
            statements: stated,
        }
    }

    /// Commitment of the model whose proof it is.
    pub(super) fn model(&self) -> Fr {
        self.outer.instances[InstanceLayout::MODEL]
    }

    fn vk(&self) -> &AggregationVk {
        self.key.vk()
    }

    /// Public words of the circuit filled with these proofs, without a native check.
    fn filled(&self, snarks: &[Snark]) -> Vec<Fr> {
        let openings = openings();
        let request = AggregationRequest {
            proofs: &proofs_of(snarks),
            statements: &[stated(&openings)],
        };
        let rng = StdRng::seed_from_u64(FILL_SEED);
        self.key.fill(&self.srs, request, rng).unwrap().exposed()
    }

    /// The error of an attempt to prove with other inputs.
    fn refused(&self, snarks: &[Snark], openings: &Openings) -> AggregateError {
        let request = AggregationRequest {
            proofs: &proofs_of(snarks),
            statements: &[stated(openings)],
        };
        self.key
            .prove(&self.srs, request, StdRng::seed_from_u64(1))
            .unwrap_err()
    }
}

pub(super) static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let snarks = chain(Size::TINY, 1, 2);
    let store = SrsStore::new(default_cache_dir());
    let shape = shape_of(&snarks);
    let key = AggregationKey::keygen(
        &store,
        &SrsSource::Development,
        shape,
        &AggregationConfig::default(),
    )
    .unwrap();
    let srs = store.load(&SrsSource::Development, key.k()).unwrap();
    let openings = openings();
    let proofs = proofs_of(&snarks);
    let request = AggregationRequest {
        proofs: &proofs,
        statements: &[stated(&openings)],
    };
    let outer = key.prove(&srs, request, StdRng::seed_from_u64(1)).unwrap();
    Fixture {
        snarks,
        proofs,
        key,
        srs,
        outer,
    }
});

#[test]
fn honest_proof_verifies_and_its_words_are_in_order() {
    let fx = &*FIXTURE;
    fx.vk().verify(&fx.outer).unwrap();
    let layout = fx.vk().layout();
    let words = &fx.outer.instances;
    let protocols: Vec<_> = fx.snarks.iter().map(|s| &s.protocol).collect();
    assert_eq!(words.len(), 12 + 1 + 1 + 2 + 1);
    assert_eq!(
        words[InstanceLayout::MODEL],
        model_commitment(&protocols, f(SALT))
    );
    assert_eq!(words[layout.inputs()], openings().inputs);
    assert_eq!(words[layout.outputs()], openings().outputs);
    assert_eq!(words[layout.context()], f(CONTEXT));
    assert_eq!(fx.outer.leaf_bytes().len(), 12 * 32 + fx.vk().proof_len());
    assert_eq!(
        fx.outer.raw_calldata().len(),
        words.len() * 32 + fx.vk().proof_len()
    );
}

#[test]
fn halo2_verifier_agrees() {
    use halo2_base::halo2_proofs::{
        halo2curves::bn256::G1Affine,
        plonk::verify_proof,
        poly::{
            VerificationStrategy,
            commitment::ParamsProver,
            kzg::{multiopen::VerifierSHPLONK, strategy::SingleStrategy},
        },
        transcript::TranscriptReadBuffer,
    };
    use snark_verifier::{
        loader::native::NativeLoader, system::halo2::transcript::evm::EvmTranscript,
    };
    let fx = &*FIXTURE;
    let params = fx.srs.params.verifier_params();
    let mut transcript =
        <EvmTranscript<G1Affine, NativeLoader, _, _> as TranscriptReadBuffer<_, _, _>>::init(
            fx.outer.proof.as_slice(),
        );
    let strategy =
        <SingleStrategy<'_, _> as VerificationStrategy<'_, _, VerifierSHPLONK<'_, _>>>::new(params);
    verify_proof::<_, VerifierSHPLONK<'_, _>, _, _, _>(
        params,
        fx.key.circuit.vk(),
        strategy,
        &[&[&fx.outer.instances]],
        &mut transcript,
    )
    .unwrap();
}

#[test]
fn every_public_word_is_bound() {
    let fx = &*FIXTURE;
    for i in 0..fx.outer.instances.len() {
        let mut bad = fx.outer.clone();
        bad.instances[i] += Fr::ONE;
        let error = fx.vk().verify(&bad).unwrap_err();
        let expected = if i < 12 {
            VerifyError::Accumulator
        } else {
            VerifyError::Proof
        };
        assert_eq!(error, expected, "word {i}");
    }
    // two points of the curve, but not those of the proof
    let mut swapped = fx.outer.clone();
    swapped.instances[..12].rotate_left(6);
    assert_eq!(fx.vk().verify(&swapped), Err(VerifyError::Proof));
}

#[test]
fn mangled_proofs_are_refused_without_a_panic() {
    let fx = &*FIXTURE;
    let len = fx.outer.proof.len();
    for at in (0..len).step_by(37) {
        let mut bad = fx.outer.clone();
        bad.proof[at] ^= 1;
        let error = fx.vk().verify(&bad).unwrap_err();
        assert!(
            matches!(error, VerifyError::Proof | VerifyError::Malformed(_)),
            "byte {at}: {error}"
        );
    }
    for proof in [
        vec![],
        fx.outer.proof[..len - 32].to_vec(),
        [&fx.outer.proof[..], &[0; 32]].concat(),
    ] {
        let got = proof.len();
        let error = fx
            .vk()
            .verify(&OuterProof {
                proof,
                ..fx.outer.clone()
            })
            .unwrap_err();
        assert_eq!(error, VerifyError::ProofLength { got, expected: len });
    }
    let mut short = fx.outer.clone();
    short.instances.pop();
    assert_eq!(
        fx.vk().verify(&short),
        Err(VerifyError::InstanceCount {
            got: 16,
            expected: 17
        })
    );
}

#[test]
fn a_lie_in_a_layer_proof_spoils_the_accumulator() {
    // past the native checks, straight into the circuit: a proof with one evaluation changed
    let fx = &*FIXTURE;
    fx.vk().decide_exposed(&fx.filled(&fx.snarks)).unwrap();
    for segment in 0..2 {
        let mut snarks = fx.snarks.clone();
        let evaluation = snarks[segment].proof.len() - 3 * 32;
        snarks[segment].proof[evaluation] ^= 1;
        assert!(verify_layer_proof(fx.vk().deciding_key(), &snarks[segment]).is_err());
        let error = fx.vk().decide_exposed(&fx.filled(&snarks)).unwrap_err();
        assert_eq!(error, VerifyError::AccumulatedProofs, "segment {segment}");
    }
}

/// Limbs of the documented accumulator: L = B_L + Σ r^(i+1) L_i and so for R, over each proof's own pair and then the one that a
/// fold carries, with r drawn from domains, key digests, the ends of the transcripts and the blind.
pub(super) fn documented(srs: &Srs, proofs: &[InnerProof], blind: Pair) -> Vec<Fr> {
    let svk = KzgSuccinctVerifyingKey::new(srs.params.get_g()[0]);
    let mut absorbed = vec![];
    let mut pairs = vec![];
    for InnerProof { snark, items } in proofs {
        let mut transcript = PoseidonTranscript::<NativeLoader, &[u8]>::from_spec(
            snark.proof(),
            POSEIDON_SPEC.clone(),
        );
        let (protocol, instances) = (&snark.protocol, &snark.instances);
        let proof = PlonkSuccinctVerifier::<SHPLONK>::read_proof(
            &svk,
            protocol,
            instances,
            &mut transcript,
        )
        .unwrap();
        let end = Transcript::<G1Affine, NativeLoader>::squeeze_challenge(&mut transcript);
        let k = f(protocol.domain.k as u64);
        absorbed.extend([k, segment_key_digest(protocol), end]);
        let own = PlonkSuccinctVerifier::<SHPLONK>::verify(&svk, protocol, instances, &proof);
        pairs.extend(own.unwrap());
        if !items.is_empty() {
            pairs.push(accumulator::decode(&instances[0][..12]).unwrap());
        }
    }
    absorbed.extend([blind.lhs, blind.rhs].iter().flat_map(native_coordinates));
    let r = poseidon_hash(&absorbed);
    let (mut lhs, mut rhs, mut power) = (G1::from(blind.lhs), G1::from(blind.rhs), r);
    for pair in &pairs {
        lhs += pair.lhs * power;
        rhs += pair.rhs * power;
        power *= r;
    }
    accumulator::encode(&Pair::new(lhs.to_affine(), rhs.to_affine()))
}

#[test]
fn accumulator_is_the_documented_combination() {
    let fx = &*FIXTURE;
    let g = fx.srs.params.get_g();
    let blind = accumulator::random_pair(g[0], g[1], StdRng::seed_from_u64(FILL_SEED));
    let expected = documented(&fx.srs, &fx.proofs, blind);
    assert_eq!(fx.filled(&fx.snarks)[..12], expected);
}

#[test]
fn wrong_inputs_are_refused_by_name_before_proving() {
    let fx = &*FIXTURE;
    let good = openings();
    let [first, second] = [&fx.snarks[0], &fx.snarks[1]];

    let error = fx.refused(std::slice::from_ref(first), &good);
    assert!(
        matches!(
            error,
            AggregateError::SegmentCount {
                got: 1,
                expected: 2
            }
        ),
        "{error}"
    );
    let error = fx.refused(&[second.clone(), first.clone()], &good);
    assert!(
        matches!(error, AggregateError::BrokenChain { segment: 0 }),
        "{error}"
    );
    // a proof of another segment, replayed
    let error = fx.refused(&[first.clone(), first.clone()], &good);
    assert!(
        matches!(error, AggregateError::BrokenChain { segment: 0 }),
        "{error}"
    );
    let mut mutated = second.clone();
    let middle = mutated.proof.len() / 2;
    mutated.proof[middle] ^= 1;
    let error = fx.refused(&[first.clone(), mutated], &good);
    assert!(
        matches!(error, AggregateError::InnerProof { segment: 1, .. }),
        "{error}"
    );
    let mut truncated = first.clone();
    truncated.proof.pop();
    let error = fx.refused(&[truncated, second.clone()], &good);
    assert!(
        matches!(error, AggregateError::InnerProof { segment: 0, .. }),
        "{error}"
    );
    // an honest proof under the key of another segment
    let mut foreign = first.clone();
    foreign.protocol = second.protocol.clone();
    let error = fx.refused(&[foreign, second.clone()], &good);
    assert!(
        matches!(error, AggregateError::InnerProof { segment: 0, .. }),
        "{error}"
    );
    // a circuit of another shape
    let other = prove(
        Size {
            weights: 2,
            ..Size::TINY
        },
        1,
        [cuts(2)[0], cuts(2)[1]],
    );
    let error = fx.refused(&[other, second.clone()], &good);
    assert!(
        matches!(error, AggregateError::SegmentShape { segment: 0, .. }),
        "{error}"
    );
    let other = prove(Size { k: 7, ..Size::TINY }, 1, [cuts(2)[0], cuts(2)[1]]);
    let error = fx.refused(&[other, second.clone()], &good);
    assert!(
        error.to_string().contains("domain 2^7 instead of 2^6"),
        "{error}"
    );

    for (end, lie) in [
        (
            "input",
            (|o: &mut Openings| o.salt_in += Fr::ONE) as fn(&mut Openings),
        ),
        ("input", |o| o.inputs[0] += Fr::ONE),
        ("output", |o| o.salt_out += Fr::ONE),
        ("output", |o| o.outputs.swap(0, 1)),
    ] {
        let mut openings = openings();
        lie(&mut openings);
        let error = fx.refused(&fx.snarks, &openings);
        assert!(
            matches!(error, AggregateError::Opening { end: e } if e == end),
            "{error}"
        );
    }
    let mut more = openings();
    more.outputs.push(f(6));
    let error = fx.refused(&fx.snarks, &more);
    assert!(
        matches!(
            error,
            AggregateError::WordCount {
                end: "output",
                got: 3,
                expected: 2
            }
        ),
        "{error}"
    );
}

#[test]
fn another_string_is_refused() {
    let fx = &*FIXTURE;
    let small = Srs::insecure_development(5);
    let error = fx
        .key
        .prove(
            &small,
            fx.request(&[stated(&openings())]),
            StdRng::seed_from_u64(1),
        )
        .unwrap_err();
    assert!(
        matches!(error, AggregateError::SrsSize { got: 5, .. }),
        "{error}"
    );
}

#[test]
fn the_key_does_not_depend_on_the_weights() {
    let [a, b] = [1, 9].map(|seed| shape_of(&chain(Size::TINY, seed, 2)));
    assert_eq!(a.digest(), b.digest());
    let fx = &*FIXTURE;
    assert_eq!(a.digest(), fx.key.shape().digest());
    // the key itself was made with random stand-ins, and proves these; another model has another commitment
    let snarks = chain(Size::TINY, 9, 2);
    let words = fx.filled(&snarks);
    fx.vk().decide_exposed(&words).unwrap();
    let protocols: Vec<_> = snarks.iter().map(|s| &s.protocol).collect();
    let model = words[InstanceLayout::MODEL];
    assert_eq!(model, model_commitment(&protocols, f(SALT)));
    assert_ne!(model, fx.outer.instances[InstanceLayout::MODEL]);
}

#[test]
fn key_file_comes_back_and_damage_is_found() {
    let fx = &*FIXTURE;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("aggregation.key");
    fx.key.write(&path).unwrap();
    let read = AggregationKey::read(&path).unwrap();
    assert_eq!(read.vk().digest(), fx.vk().digest());
    assert_eq!(read.shape().digest(), fx.key.shape().digest());
    assert_eq!(
        read.circuit.vk().transcript_repr(),
        fx.key.circuit.vk().transcript_repr()
    );
    drop(read);
    use std::io::{Seek, SeekFrom, Write};
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::End(-1000)).unwrap();
    file.write_all(&[0xa5]).unwrap();
    drop(file);
    let error = AggregationKey::read(&path).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
}

#[test]
fn shapes_that_cannot_be_aggregated_are_refused() {
    let error = AggregationShape::new(&[], 1, 1, InputVisibility::Public).unwrap_err();
    assert!(matches!(error, AggregateError::NoSegments));
    let mut snark = chain(Size::TINY, 1, 1).remove(0);
    snark.protocol.num_instance = vec![3];
    let error =
        AggregationShape::new(&[&snark.protocol], 1, 1, InputVisibility::Public).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("segment 0: must have one instance column of 2 words"),
        "{error}"
    );
}
