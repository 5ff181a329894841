//! Proofs of a small circuit with all that this prover supports (two phases, several permutation products, a fixed and the
//! instance column in the permutation, rotations both ways), judged by halo2's own verifier.

use crate::{
    Copies, Key, KeyError, Phases, ProveError, Synthesis, Witness, create_proof, verifying_key,
};
use halo2_base::halo2_proofs::SerdeFormat;
use halo2_base::halo2_proofs::circuit::{Cell, Layouter, SimpleFloorPlanner, Value};
use halo2_base::halo2_proofs::halo2curves::bn256::{Bn256, Fr, G1Affine};
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::{
    Advice, Challenge, Circuit, Column, ConstraintSystem, Error, FirstPhase, Fixed, Instance,
    SecondPhase, VerifyingKey, keygen_pk, keygen_vk, verify_proof,
};
use halo2_base::halo2_proofs::poly::Rotation;
use halo2_base::halo2_proofs::poly::commitment::ParamsProver;
use halo2_base::halo2_proofs::poly::kzg::commitment::{KZGCommitmentScheme, ParamsKZG};
use halo2_base::halo2_proofs::poly::kzg::multiopen::VerifierSHPLONK;
use halo2_base::halo2_proofs::poly::kzg::strategy::SingleStrategy;
use halo2_base::halo2_proofs::transcript::{
    Blake2bRead, Blake2bWrite, Challenge255, TranscriptReadBuffer, TranscriptWriterBuffer,
};
use rand::rngs::OsRng;

const K: u32 = 6;
const ROWS: usize = 40;

#[derive(Clone)]
struct Config {
    advice: [Column<Advice>; 4],
    late: Column<Advice>,
    on: Column<Fixed>,
    constant: Column<Fixed>,
    instance: Column<Instance>,
    challenge: Challenge,
}

/// a·b·b = c; d is a of the row before; `late` sums challenge·a. a of row 0 is the fixed constant, c of the last row the instance.
#[derive(Clone)]
struct Squares {
    rows: Option<Rows>,
}

const NO_WITNESS: Squares = Squares { rows: None };

impl Circuit<Fr> for Squares {
    type Config = Config;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        NO_WITNESS
    }

    fn configure(cs: &mut ConstraintSystem<Fr>) -> Config {
        let advice = [(); 4].map(|()| cs.advice_column_in(FirstPhase));
        let challenge = cs.challenge_usable_after(FirstPhase);
        let late = cs.advice_column_in(SecondPhase);
        let (on, constant) = (cs.fixed_column(), cs.fixed_column());
        let instance = cs.instance_column();
        for column in advice {
            cs.enable_equality(column);
        }
        cs.enable_equality(constant);
        cs.enable_equality(instance);
        cs.create_gate("squares", |cells| {
            let on = cells.query_fixed(on, Rotation::cur());
            let [a, b, c, d] = advice.map(|col| cells.query_advice(col, Rotation::cur()));
            let before = cells.query_advice(advice[0], Rotation::prev());
            let sum = [Rotation::cur(), Rotation::next()].map(|r| cells.query_advice(late, r));
            let x = cells.query_challenge(challenge);
            let [now, next] = sum;
            vec![
                on.clone() * (a.clone() * b.clone() * b - c),
                on.clone() * (d - before),
                on * (next - now - x * a),
            ]
        });
        Config {
            advice,
            late,
            on,
            constant,
            instance,
            challenge,
        }
    }

    fn synthesize(&self, config: Config, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        layouter.assign_region(
            || "rows",
            |mut region| {
                for (row, values) in fixed().iter().enumerate() {
                    region.assign_fixed(config.on, row, values[0]);
                    region.assign_fixed(config.constant, row, values[1]);
                }
                let cell = |(column, row): (usize, usize)| {
                    let column = match column {
                        0..=3 => config.advice[column].into(),
                        4 => config.constant.into(),
                        _ => config.instance.into(),
                    };
                    Cell {
                        row_offset: row,
                        column,
                    }
                };
                for (left, right) in COPIES {
                    region.constrain_equal(cell(left), cell(right));
                }
                let Some(rows) = &self.rows else {
                    return Ok(());
                };
                for (column, values) in config.advice.into_iter().zip(&rows.columns) {
                    for (row, value) in values.iter().enumerate() {
                        region.assign_advice(column, row, Value::known(*value));
                    }
                }
                region.next_phase();
                region.get_challenge(config.challenge).map(|challenge| {
                    for (row, sum) in rows.sums(challenge).into_iter().enumerate() {
                        region.assign_advice(config.late, row, Value::known(sum));
                    }
                });
                Ok(())
            },
        )
    }
}

/// (column of the permutation, row): a of row 0 = the constant; b of rows 1, 2 = b of row 3; c of the last row = the instance.
const COPIES: [((usize, usize), (usize, usize)); 4] = [
    ((0, 0), (4, 0)),
    ((1, 1), (1, 3)),
    ((1, 3), (1, 2)),
    ((2, ROWS - 1), (5, 0)),
];

fn fixed() -> Vec<[Fr; 2]> {
    (0..ROWS)
        .map(|row| {
            [
                Fr::from(u64::from(row > 0)),
                Fr::from(7 * u64::from(row == 0)),
            ]
        })
        .collect()
}

#[derive(Clone)]
struct Rows {
    columns: [Vec<Fr>; 4],
}

impl Rows {
    fn honest() -> Self {
        let a: Vec<Fr> = (0..ROWS as u64).map(|i| Fr::from(7 + i * i)).collect();
        let b: Vec<Fr> = (0..ROWS as u64).map(|i| Fr::from(3 + i / 4)).collect();
        let c = a.iter().zip(&b).map(|(a, b)| *a * b * b).collect();
        let d = [&[Fr::ZERO], &a[..ROWS - 1]].concat();
        Rows {
            columns: [a, b, c, d],
        }
    }

    fn instance(&self) -> Fr {
        self.columns[2][ROWS - 1]
    }

    fn sums(&self, challenge: Fr) -> Vec<Fr> {
        let mut sum = vec![Fr::ZERO; 2];
        for a in &self.columns[0][1..] {
            sum.push(sum[sum.len() - 1] + challenge * a);
        }
        sum
    }
}

impl Witness for Rows {
    fn fill(&mut self, phases: &mut dyn Phases) -> Result<(), ProveError> {
        let challenge = phases.commit(self.columns.to_vec())?[0];
        phases.commit(vec![self.sums(challenge)])?;
        Ok(())
    }
}

struct Fixture {
    params: ParamsKZG<Bn256>,
    key: Key,
}

impl Fixture {
    fn new() -> Self {
        let params = ParamsKZG::setup(K, OsRng);
        let vk = keygen_vk(&params, &NO_WITNESS).unwrap();
        let mut copies = Copies::new(6, K);
        for (left, right) in COPIES {
            copies.add(left, right);
        }
        let key = Key::new(vk, K, columns(), &copies).unwrap();
        Fixture { params, key }
    }

    fn prove(&self, rows: Rows, instance: Fr) -> Vec<u8> {
        self.prove_with(&self.key, rows, instance)
    }

    fn prove_with(&self, key: &Key, mut witness: impl Witness, instance: Fr) -> Vec<u8> {
        let mut transcript = Blake2bWrite::<_, G1Affine, Challenge255<_>>::init(Vec::new());
        create_proof(
            &self.params,
            key,
            &[instance],
            &mut witness,
            OsRng,
            &mut transcript,
        )
        .unwrap();
        transcript.finalize()
    }

    fn accepts(&self, proof: &[u8], instance: Fr) -> bool {
        let mut transcript = Blake2bRead::<_, G1Affine, Challenge255<_>>::init(proof);
        verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
            self.params.verifier_params(),
            self.key.vk(),
            SingleStrategy::new(&self.params),
            &[&[&[instance]]],
            &mut transcript,
        )
        .is_ok()
    }
}

fn columns() -> Vec<Vec<Fr>> {
    let column = |i: usize| {
        let mut values: Vec<Fr> = fixed().iter().map(|row| row[i]).collect();
        values.resize(1 << K, Fr::ZERO);
        values
    };
    vec![column(0), column(1)]
}

#[test]
fn halo2_accepts_honest_proofs_and_no_two_are_alike() {
    let fixture = Fixture::new();
    let instance = Rows::honest().instance();
    let proofs = [(); 2].map(|()| fixture.prove(Rows::honest(), instance));
    assert!(proofs.iter().all(|p| fixture.accepts(p, instance)));
    let words = |proof: &[u8]| proof.chunks(32).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let [one, two] = proofs.map(|p| words(&p));
    // What is the same in both: nothing, not even a commitment.
    assert!(one.iter().zip(&two).all(|(a, b)| a != b));
}

#[test]
fn a_circuit_synthesizes_its_own_witness_for_halo2s_key() {
    let fixture = Fixture::new();
    let pk = keygen_pk(&fixture.params, fixture.key.vk().clone(), &NO_WITNESS).unwrap();
    let key = Key::of_halo2(&pk).unwrap();
    let prove = |rows: Rows, instance: Fr| {
        let circuit = Squares { rows: Some(rows) };
        let witness = Synthesis {
            circuit: &circuit,
            instance: &[instance],
        };
        fixture.prove_with(&key, witness, instance)
    };
    let honest = Rows::honest().instance();
    assert!(fixture.accepts(&prove(Rows::honest(), honest), honest));
    for column in 0..4 {
        let mut rows = Rows::honest();
        rows.columns[column][7] += Fr::ONE;
        assert!(
            !fixture.accepts(&prove(rows, honest), honest),
            "column {column}"
        );
    }
}

#[test]
fn a_key_survives_a_file_and_a_short_one_is_refused() {
    let fixture = Fixture::new();
    let pk = keygen_pk(&fixture.params, fixture.key.vk().clone(), &NO_WITNESS).unwrap();
    let mut bytes = Vec::new();
    Key::of_halo2(&pk).unwrap().write(&mut bytes).unwrap();
    let key = Key::read::<Squares>(&mut bytes.as_slice(), ()).unwrap();
    let honest = Rows::honest().instance();
    let proof = fixture.prove_with(&key, Rows::honest(), honest);
    assert!(fixture.accepts(&proof, honest));
    let mut again = Vec::new();
    key.write(&mut again).unwrap();
    assert_eq!(bytes, again);
    for len in [0, 10, 500, bytes.len() / 2, bytes.len() - 1] {
        assert!(
            Key::read::<Squares>(&mut &bytes[..len], ()).is_err(),
            "{len}"
        );
    }
    // What halo2's reader would believe: a version, a domain, a number of columns, a point.
    for (at, byte) in [(0, 3), (1, 200), (1, 2), (5, 1), (6, 9), (20, 1)] {
        let mut bytes = bytes.clone();
        bytes[at] ^= byte;
        assert!(
            Key::read::<Squares>(&mut bytes.as_slice(), ()).is_err(),
            "byte {at}"
        );
    }
}

#[test]
fn halo2_refuses_what_does_not_satisfy_the_circuit() {
    let fixture = Fixture::new();
    let honest = Rows::honest().instance();
    assert!(!fixture.accepts(
        &fixture.prove(Rows::honest(), honest + Fr::ONE),
        honest + Fr::ONE
    ));
    assert!(!fixture.accepts(&fixture.prove(Rows::honest(), honest), honest + Fr::ONE));
    for (column, row) in [(0, 5), (1, 2), (2, 9), (3, 1)] {
        let mut rows = Rows::honest();
        rows.columns[column][row] += Fr::ONE;
        let proof = fixture.prove(rows, honest);
        assert!(
            !fixture.accepts(&proof, honest),
            "column {column}, row {row}"
        );
    }
}

#[test]
fn the_verifying_key_is_halo2s() {
    let fixture = Fixture::new();
    let (mut cs, mut copies) = (ConstraintSystem::default(), Copies::new(6, K));
    Squares::configure(&mut cs);
    for (left, right) in COPIES {
        copies.add(left, right);
    }
    let make = |fixed: &[Vec<Fr>], copies: &Copies| {
        verifying_key(&fixture.params, cs.clone(), fixed, copies).unwrap()
    };
    let bytes = |vk: &VerifyingKey<G1Affine>| vk.to_bytes(SerdeFormat::RawBytes);
    let (ours, theirs) = (make(&columns(), &copies), fixture.key.vk());
    assert_eq!(bytes(&ours), bytes(theirs));
    assert_eq!(ours.transcript_repr(), theirs.transcript_repr());

    let mut other = columns();
    other[1][3] += Fr::ONE;
    assert_ne!(bytes(&make(&other, &copies)), bytes(theirs));
    copies.add((0, 1), (0, 2));
    assert_ne!(bytes(&make(&columns(), &copies)), bytes(theirs));
}

#[test]
fn misfits_are_named() {
    let fixture = Fixture::new();
    let vk = fixture.key.vk().clone();
    let copies = Copies::new(6, K);
    let error = Key::new(vk.clone(), K, columns()[..1].to_vec(), &copies).unwrap_err();
    assert!(
        matches!(
            error,
            KeyError::Columns {
                got: 1,
                expected: 2,
                ..
            }
        ),
        "{error}"
    );
    let error = Key::new(vk.clone(), K, columns(), &Copies::new(5, K)).unwrap_err();
    assert!(
        matches!(
            error,
            KeyError::Columns {
                got: 5,
                expected: 6,
                ..
            }
        ),
        "{error}"
    );
    let short = columns().into_iter().map(|c| c[1..].to_vec()).collect();
    let error = Key::new(vk, K, short, &copies).unwrap_err();
    assert!(
        matches!(
            error,
            KeyError::Rows {
                got: 63,
                expected: 64
            }
        ),
        "{error}"
    );

    let attempt = |params: &ParamsKZG<Bn256>, rows: &mut Rows| {
        let mut transcript = Blake2bWrite::<_, G1Affine, Challenge255<_>>::init(Vec::new());
        create_proof(params, &fixture.key, &[], rows, OsRng, &mut transcript).unwrap_err()
    };
    let error = attempt(&ParamsKZG::setup(K - 1, OsRng), &mut Rows::honest());
    assert!(
        matches!(
            error,
            ProveError::String {
                got: 5,
                expected: 6
            }
        ),
        "{error}"
    );
    let mut long = Rows::honest();
    long.columns[1].resize(1 << K, Fr::ONE);
    let error = attempt(&fixture.params, &mut long);
    assert!(matches!(error, ProveError::Rows { got: 64, .. }), "{error}");
}
