//! Synthetic circuits with everything at once: two phases with a challenge, rotations, lookups, copies, gates of degree 5, an accumulator
//! among the public words that no constraint ties, so that proofs with a false one can be made. Keys and proofs are stored; `BLESS=1`
//! makes them again.

use super::{blessed, bytes, fixture, scalar, stored_vk};
use halo2_base::{
    halo2_proofs::{
        circuit::{Layouter, SimpleFloorPlanner, Value},
        halo2curves::{
            bn256::{Bn256, Fr, G1Affine},
            ff::Field,
            group::Curve,
        },
        plonk::{
            Advice, Challenge, Circuit, Column, ConstraintSystem, Error, Expression, FirstPhase,
            Fixed, Instance, ProvingKey, SecondPhase, create_proof, keygen_pk, keygen_vk,
        },
        poly::{
            Rotation,
            commitment::ParamsProver,
            kzg::{commitment::KZGCommitmentScheme, multiopen::ProverSHPLONK},
        },
        transcript::TranscriptWriterBuffer,
    },
    utils::fe_to_biguint,
};
use halocast_prover::{
    aggregate::{AggregationVk, InstanceLayout, OuterProof, VerifyError},
    srs::Srs,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde::Deserialize;
use serde_json::json;
use snark_verifier::{
    loader::native::NativeLoader,
    system::halo2::{Config as CompileConfig, compile, transcript::evm::EvmTranscript},
};
use std::fs;

const WORDS: usize = 20;

/// Dimensions.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    k: u32,
    first: usize,
    second: usize,
    /// Gates, and products of four cells in each.
    gates: usize,
    products: usize,
    lookups: usize,
    /// Rotations a column, out of `span`.
    rotations: usize,
    span: usize,
}

const SMALL: Size = Size {
    k: 6,
    first: 2,
    second: 1,
    gates: 1,
    products: 2,
    lookups: 1,
    rotations: 2,
    span: 3,
};
const WIDE: Size = Size {
    k: 8,
    first: 17,
    second: 3,
    gates: 36,
    products: 12,
    lookups: 2,
    rotations: 8,
    span: 16,
};

#[derive(Clone, Copy, Debug)]
struct Synthetic(Size);

#[derive(Clone, Debug)]
struct Columns {
    first: Vec<Column<Advice>>,
    second: Vec<Column<Advice>>,
    q: Vec<Column<Fixed>>,
    table: Column<Fixed>,
    io: Column<Instance>,
    challenge: Challenge,
}

impl Circuit<Fr> for Synthetic {
    type Config = Columns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Size;

    fn params(&self) -> Size {
        self.0
    }

    fn without_witnesses(&self) -> Self {
        *self
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> Columns {
        unreachable!("configured with parameters")
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, size: Size) -> Columns {
        let first: Vec<_> = (0..size.first)
            .map(|_| meta.advice_column_in(FirstPhase))
            .collect();
        let challenge = meta.challenge_usable_after(FirstPhase);
        let second: Vec<_> = (0..size.second)
            .map(|_| meta.advice_column_in(SecondPhase))
            .collect();
        let columns = Columns {
            q: (0..4).map(|_| meta.fixed_column()).collect(),
            table: meta.fixed_column(),
            io: meta.instance_column(),
            first,
            second,
            challenge,
        };
        meta.enable_equality(columns.io);
        columns
            .first
            .iter()
            .take(12)
            .for_each(|c| meta.enable_equality(*c));
        columns.gates(meta, size);
        columns.lookups(meta, size);
        columns
    }

    /// Row 0 has the selectors, and zeros as far as the gates look; every other row is free.
    fn synthesize(&self, columns: Columns, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let free = self.0.span + 1;
        let cell = layouter.assign_region(
            || "all",
            |mut region| {
                let first = columns.first[0];
                for (i, column) in columns.first.iter().enumerate() {
                    region.assign_advice(*column, free, Value::known(Fr::from(i as u64 + 3)));
                }
                for (i, q) in columns.q.iter().enumerate() {
                    region.assign_fixed(*q, 0, Fr::from(i as u64 + 1));
                }
                for row in 0..8 {
                    region.assign_fixed(columns.table, row, Fr::from(row as u64));
                }
                let shown =
                    region.assign_advice(first, free + 1, Value::known(public_word(WORDS - 1)));
                let again = region.assign_advice(
                    columns.first[1],
                    free + 1,
                    Value::known(public_word(WORDS - 1)),
                );
                region.constrain_equal(shown.cell(), again.cell());
                let shown = shown.cell();
                region.next_phase();
                let challenge = region.get_challenge(columns.challenge);
                for column in &columns.second {
                    region.assign_advice(*column, free, challenge);
                }
                Ok(shown)
            },
        )?;
        layouter.constrain_instance(cell, columns.io, WORDS - 1);
        Ok(())
    }
}

impl Columns {
    fn gates(&self, meta: &mut ConstraintSystem<Fr>, size: Size) {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let all: Vec<_> = self.first.iter().chain(&self.second).copied().collect();
        for gate in 0..size.gates {
            meta.create_gate("products", |meta| {
                let mut cell = || {
                    let column = rng.gen_range(0..all.len());
                    // A column's own few rotations, so that columns fall into many different sets.
                    let step = rng.gen_range(0..size.rotations);
                    let rotation = (step * (column + 1) + step * step) % size.span;
                    meta.query_advice(all[column], Rotation(rotation as i32))
                };
                let products = (0..size.products).map(|_| cell() * cell() * cell() * cell());
                let sum = products.reduce(|a, b| a + b).unwrap();
                let linear = cell() - Expression::Constant(Fr::from(5)) * cell();
                let q = meta.query_fixed(self.q[gate % self.q.len()], Rotation::cur());
                vec![q * (sum - linear)]
            });
        }
        for (a, b) in self.first.iter().zip(&self.second) {
            meta.create_gate("challenge", |meta| {
                let q = meta.query_fixed(self.q[0], Rotation::cur());
                let (a, b) = (
                    meta.query_advice(*a, Rotation::cur()),
                    meta.query_advice(*b, Rotation::cur()),
                );
                vec![q * (b - meta.query_challenge(self.challenge) * a)]
            });
        }
    }

    fn lookups(&self, meta: &mut ConstraintSystem<Fr>, size: Size) {
        for i in 0..size.lookups {
            meta.lookup_any("small values", |meta| {
                let q = meta.query_fixed(self.q[i], Rotation::cur());
                let a = meta.query_advice(self.first[i], Rotation::cur());
                vec![(q * a, meta.query_fixed(self.table, Rotation::cur()))]
            });
        }
    }
}

fn public_word(index: usize) -> Fr {
    Fr::from(1000 + index as u64)
}

fn bit(n: u64) -> Fr {
    Fr::from(2).pow_vartime([n])
}

/// Three limbs of 88 bits a coordinate.
fn limbs(points: [G1Affine; 2]) -> Vec<Fr> {
    let coordinates = points.into_iter().flat_map(|p| [p.x, p.y]);
    coordinates
        .flat_map(|c| {
            let digits = fe_to_biguint(&c);
            (0..3).map(move |i| {
                let limb = (&digits >> (88 * i)) % fe_to_biguint(&bit(88));
                halo2_base::utils::biguint_to_fe::<Fr>(&limb)
            })
        })
        .collect()
}

fn public_words(limbs: Vec<Fr>) -> Vec<Fr> {
    limbs
        .into_iter()
        .chain((12..WORDS).map(public_word))
        .collect()
}

struct Setup {
    srs: Srs,
    pk: ProvingKey<G1Affine>,
    circuit: Synthetic,
}

impl Setup {
    fn new(size: Size) -> Self {
        let srs = Srs::insecure_development(size.k);
        let circuit = Synthetic(size);
        let vk = keygen_vk(&srs.params, &circuit).unwrap();
        let pk = keygen_pk(&srs.params, vk, &circuit).unwrap();
        Self { srs, pk, circuit }
    }

    /// `AggregationVk` has no constructor for strangers: it is read from the form in which it is stored.
    fn vk(&self) -> AggregationVk {
        let accumulator = (0..12).map(|row| (0, row)).collect();
        let config = CompileConfig::kzg()
            .with_num_instance(vec![WORDS])
            .with_accumulator_indices(Some(accumulator));
        let protocol = compile(&self.srs.params, self.pk.get_vk(), config);
        let layout = InstanceLayout {
            input_words: 3,
            output_words: 3,
        };
        let parts = (protocol, self.srs.deciding_key(), layout, &self.srs.origin);
        bincode::deserialize(&bincode::serialize(&parts).unwrap()).unwrap()
    }

    fn prove(&self, instances: Vec<Fr>) -> OuterProof {
        type Transcript = EvmTranscript<G1Affine, NativeLoader, Vec<u8>, Vec<u8>>;
        let mut transcript: Transcript = TranscriptWriterBuffer::<_, G1Affine, _>::init(Vec::new());
        create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<_>, _, _, Transcript, _>(
            &self.srs.params,
            &self.pk,
            &[self.circuit],
            &[&[instances.as_slice()]],
            ChaCha20Rng::seed_from_u64(2),
            &mut transcript,
        )
        .unwrap();
        OuterProof {
            instances,
            proof: transcript.finalize(),
        }
    }

    /// A pair that the pairing accepts: (s·τG, s·G).
    fn pair(&self, s: u64) -> [G1Affine; 2] {
        let powers = self.srs.params.get_g();
        [powers[1], powers[0]].map(|p| (p * Fr::from(s)).to_affine())
    }
}

fn bless(name: &str, size: Size) {
    let setup = Setup::new(size);
    let proof = setup.prove(public_words(limbs(setup.pair(3))));
    fs::write(
        fixture(&format!("{name}.vk")),
        bincode::serialize(&setup.vk()).unwrap(),
    )
    .unwrap();
    let hex = |bytes: &[u8]| format!("0x{}", crate::render::hex(bytes));
    let words: Vec<String> = proof
        .instances
        .iter()
        .map(|w| hex(&crate::dag::word(*w)))
        .collect();
    let file = json!({"instances": words, "proof": hex(&proof.proof)});
    let text = serde_json::to_string_pretty(&file).unwrap() + "\n";
    fs::write(fixture(&format!("{name}.proof.json")), text).unwrap();
}

#[test]
#[ignore = "makes the stored keys and proofs again: BLESS=1 and --ignored, then the other tests with BLESS=1"]
fn make_synthetic_fixtures() {
    assert!(blessed(), "this test only writes");
    bless("small", SMALL);
    bless("wide", WIDE);
    bless_accumulators();
}

#[test]
fn stored_key_is_that_of_the_circuit() {
    assert_eq!(Setup::new(SMALL).vk().digest(), stored_vk("small").digest());
}

/// Proofs that are true by themselves, over accumulators that are not: the contract must refuse each as the native verifier does.
/// Name, limbs, and the custom error that the contract must give ("" if it must accept).
fn accumulator_cases(setup: &Setup) -> Vec<(&'static str, Vec<Fr>, &'static str)> {
    let [left, right] = setup.pair(3);
    let good = limbs([left, right]);
    let infinity = G1Affine::default();
    let change = |f: &dyn Fn(&mut Vec<Fr>)| {
        let mut limbs = good.clone();
        f(&mut limbs);
        limbs
    };
    let add = |at: usize, value: Fr| change(&|l| l[at] += value);
    let carry = |at: usize| {
        change(&|l| {
            l[at] += bit(88);
            l[at + 1] -= Fr::ONE;
        })
    };
    let plus_q = normalized(&change(&|l| {
        l.iter_mut().zip(q_limbs()).for_each(|(l, q)| *l += q)
    }));
    let (pairing, point) = ("PairingFailed()", "PointNotOnCurve(uint256)");
    let (zero, limb) = ("PointAtInfinity(uint256)", "LimbOutOfRange(uint256)");
    vec![
        ("good", good.clone(), ""),
        ("another good pair", limbs(setup.pair(5)), ""),
        (
            "different multiples",
            limbs([left, setup.pair(4)[1]]),
            pairing,
        ),
        ("left negated", limbs([-left, right]), pairing),
        ("right negated", limbs([left, -right]), pairing),
        ("swapped", limbs([right, left]), pairing),
        ("left infinity", limbs([infinity, right]), zero),
        ("right infinity", limbs([left, infinity]), zero),
        ("both infinity", limbs([infinity, infinity]), zero),
        ("left off the curve", add(3, Fr::ONE), point),
        ("right off the curve", add(9, Fr::ONE), point),
        ("left x plus q", plus_q, point),
        ("low limb carries", carry(0), limb),
        ("middle limb carries", carry(1), limb),
        ("high limb beyond the word", add(2, bit(80)), limb),
    ]
}

fn bless_accumulators() {
    let setup = Setup::new(SMALL);
    let case = |(name, limbs, error)| {
        let calldata = setup.prove(public_words(limbs)).raw_calldata();
        let calldata = format!("0x{}", crate::render::hex(&calldata));
        json!({"name": name, "error": error, "calldata": calldata})
    };
    let cases: Vec<_> = accumulator_cases(&setup).into_iter().map(case).collect();
    let text = serde_json::to_string_pretty(&json!({"cases": cases})).unwrap() + "\n";
    fs::create_dir_all(fixture("small")).unwrap();
    fs::write(fixture("small/accumulators.json"), text).unwrap();
}

#[derive(Deserialize)]
struct Case {
    name: String,
    error: String,
    calldata: String,
}

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

#[test]
fn native_verdicts_over_bad_accumulators() {
    let vk = stored_vk("small");
    let text = fs::read_to_string(fixture("small/accumulators.json")).unwrap();
    let Cases { cases } = serde_json::from_str(&text).unwrap();
    assert_eq!(cases.len(), 15);
    for Case {
        name,
        error,
        calldata,
    } in cases
    {
        let calldata = bytes(&calldata);
        let (words, proof) = calldata.split_at(32 * WORDS);
        let instances = words.chunks(32).map(|w| scalar(w).unwrap()).collect();
        let proof = proof.to_vec();
        let expected = match error.as_str() {
            "" => Ok(()),
            "PairingFailed()" => Err(VerifyError::AccumulatedProofs),
            _ => Err(VerifyError::Accumulator),
        };
        assert_eq!(
            vk.verify(&OuterProof { instances, proof }),
            expected,
            "{name}"
        );
    }
}

/// The modulus q as three limbs.
fn q_limbs() -> [Fr; 3] {
    let minus_one = -halo2_base::halo2_proofs::halo2curves::bn256::Fq::ONE;
    let l = limbs(
        [G1Affine {
            x: minus_one,
            y: minus_one,
        }; 2],
    );
    [l[0] + Fr::ONE, l[1], l[2]]
}

/// Carries between the limbs of the first coordinate: the same integer, canonical limbs.
fn normalized(limbs: &[Fr]) -> Vec<Fr> {
    let mut all = limbs.to_vec();
    let base = fe_to_biguint(&bit(88));
    for i in 0..2 {
        let value = fe_to_biguint(&all[i]);
        let (carry, rest) = (&value / &base, &value % &base);
        all[i] = halo2_base::utils::biguint_to_fe(&rest);
        all[i + 1] += halo2_base::utils::biguint_to_fe::<Fr>(&carry);
    }
    all
}
