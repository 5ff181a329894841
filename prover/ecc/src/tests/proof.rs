//! MockProver, real proofs, and the measurement.

use super::{
    Inputs,
    circuit::{ChipCircuit, outer},
    layout, native, random_inputs, rng,
};
use crate::{EccParams, Layout, Width, Witness};
use halo2_base::halo2_proofs::{
    SerdeFormat,
    dev::MockProver,
    halo2curves::bn256::{Bn256, Fr, G1Affine},
    halo2curves::ff::Field,
    plonk::{
        Circuit, ConstraintSystem, ProvingKey, create_proof, keygen_pk, keygen_vk, verify_proof,
    },
    poly::{
        commitment::{Params, ParamsProver},
        kzg::{
            commitment::{KZGCommitmentScheme, ParamsKZG},
            multiopen::{ProverSHPLONK, VerifierSHPLONK},
            strategy::SingleStrategy,
        },
    },
};
use snark_verifier::{
    loader::native::NativeLoader,
    system::halo2::{Config, compile},
};
use snark_verifier_sdk::halo2::{POSEIDON_SPEC, PoseidonTranscript};
use std::{
    collections::HashSet,
    fs::File,
    io::{BufReader, BufWriter},
    sync::Arc,
    time::Instant,
};

/// A circuit with everything public, and its public values.
fn circuit(layout: Layout, inputs: &Inputs) -> (ChipCircuit, Vec<Fr>) {
    let witness = Witness::new(&layout, inputs).unwrap();
    let (public, values) = outer(&layout, inputs, witness.results())
        .into_iter()
        .unzip();
    let circuit = ChipCircuit {
        layout: Arc::new(layout),
        witness: Some(Arc::new(witness)),
        public,
    };
    (circuit, values)
}

fn mock(circuit: &ChipCircuit, public: Vec<Fr>) -> bool {
    let k = circuit.layout.params().k;
    let prover = MockProver::run(k, circuit, vec![public]).unwrap();
    prover.verify().is_ok()
}

/// Phase 1 and its gates, the fixed cells and the copies as the chip writes them: what the checker takes for granted.
#[test]
fn mock_prover_agrees_with_the_checker() {
    for width in Width::ALL {
        let jobs = [2, 1];
        let (circuit, public) = circuit(layout(width, &jobs), &random_inputs(&jobs, 11));
        assert!(mock(&circuit, public), "{width:?}");
    }
}

#[test]
fn mock_prover_refuses_what_only_it_sees() {
    let (honest, public) = circuit(layout(Width::W10, &[1]), &random_inputs(&[1], 12));
    let mut changed = public.clone();
    changed[7] += Fr::ONE;
    assert!(!mock(&honest, changed), "another result");
    // A forged multiplicity: one more of 5, one less of 0.
    let mut witness = Witness::clone(honest.witness.as_ref().unwrap());
    witness.multiplicities[5] += 1;
    witness.multiplicities[0] -= 1;
    let mut forged = honest.clone();
    forged.witness = Some(Arc::new(witness));
    assert!(!mock(&forged, public.clone()), "multiplicity");
    // A piece above 2^17 that leaves its limb as it was.
    let mut witness = Witness::clone(honest.witness.as_ref().unwrap());
    let row = 8 * 20;
    let [low, high] = [0, 1].map(|i| Width::W10.piece(crate::block::Number::Slope, i));
    witness.range[low.column][row + low.row] += 1 << 17;
    witness.range[high.column][row + high.row] -= 1;
    let mut forged = honest.clone();
    forged.witness = Some(Arc::new(witness));
    assert!(!mock(&forged, public), "piece out of range");
}

fn key(params: &ParamsKZG<Bn256>, circuit: &ChipCircuit) -> ProvingKey<G1Affine> {
    let mut empty = circuit.clone();
    empty.witness = None;
    let vk = keygen_vk(params, &empty).unwrap();
    keygen_pk(params, vk, &empty).unwrap()
}

fn prove(
    params: &ParamsKZG<Bn256>,
    pk: &ProvingKey<G1Affine>,
    circuit: ChipCircuit,
    public: &[Fr],
) -> Vec<u8> {
    let mut transcript =
        PoseidonTranscript::<NativeLoader, Vec<u8>>::from_spec(vec![], POSEIDON_SPEC.clone());
    create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, _>(
        params,
        pk,
        &[circuit],
        &[&[public]],
        rng(13),
        &mut transcript,
    )
    .unwrap();
    transcript.finalize()
}

fn verifies(
    params: &ParamsKZG<Bn256>,
    pk: &ProvingKey<G1Affine>,
    proof: &[u8],
    public: &[Fr],
) -> bool {
    let mut transcript =
        PoseidonTranscript::<NativeLoader, &[u8]>::from_spec(proof, POSEIDON_SPEC.clone());
    verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
        params.verifier_params(),
        pk.get_vk(),
        SingleStrategy::new(params),
        &[&[public]],
        &mut transcript,
    )
    .is_ok()
}

/// A string with a known secret. Making one takes a minute of CPU time, so it is kept beside other temporary files.
fn development_string(k: u32) -> ParamsKZG<Bn256> {
    let path = std::env::temp_dir().join(format!("halocast-ecc-test-string-{k}.bin"));
    let format = SerdeFormat::RawBytesUnchecked;
    if let Ok(file) = File::open(&path) {
        return ParamsKZG::read_custom(&mut BufReader::new(file), format).unwrap();
    }
    let params = ParamsKZG::<Bn256>::setup(k, rng(1));
    let written = path.with_extension(std::process::id().to_string());
    params
        .write_custom(&mut BufWriter::new(File::create(&written).unwrap()), format)
        .unwrap();
    std::fs::rename(written, path).unwrap();
    params
}

/// (user and system seconds so far, peak resident GiB) of this process.
fn usage() -> ([f64; 2], f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    // In ticks of 10 ms.
    let seconds = [11, 12].map(|i| after_name[i].parse::<f64>().unwrap() / 100.0);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    (seconds, kib / 1048576.0)
}

fn measured<T>(name: &str, run: impl FnOnce() -> T) -> T {
    // Resets the peak.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let (before, start) = (usage().0, Instant::now());
    let result = run();
    let (after, peak) = usage();
    println!(
        "{name:<10} {:6.1} user-s {:5.1} system-s {:6.1} s wall {peak:6.2} GiB peak",
        after[0] - before[0],
        after[1] - before[1],
        start.elapsed().as_secs_f64()
    );
    result
}

fn card(params: &ParamsKZG<Bn256>, pk: &ProvingKey<G1Affine>, shape: &EccParams, public: usize) {
    let mut cs = ConstraintSystem::<Fr>::default();
    ChipCircuit::configure_with_params(&mut cs, Some(shape.clone()));
    let protocol = compile(
        params,
        pk.get_vk(),
        Config::kzg().with_num_instance(vec![public]),
    );
    let rotations: HashSet<i32> = protocol.queries.iter().map(|q| q.rotation.0).collect();
    println!(
        "{} advice, {} fixed, {} permutation columns; {} evaluations, {} rotations; {} points for a verifier",
        cs.num_advice_columns(),
        cs.num_fixed_columns(),
        cs.permutation().get_columns().len(),
        protocol.evaluations.len(),
        rotations.len(),
        protocol.preprocessed.len()
            + protocol.num_witness.iter().sum::<usize>()
            + protocol.quotient.num_chunk()
            + 3,
    );
}

/// One real proof. `ECC_WIDTH=10 ECC_JOBS=252 cargo test --release -p halocast-ecc -- --ignored --nocapture measure`
#[test]
#[ignore = "a minute of both cores"]
fn measure() {
    let variable = |name: &str, default: &str| std::env::var(name).unwrap_or(default.to_owned());
    let columns: usize = variable("ECC_WIDTH", "10").parse().unwrap();
    let width = Width::ALL
        .into_iter()
        .find(|w| w.columns() == columns)
        .unwrap();
    let jobs: Vec<usize> = variable("ECC_JOBS", "252")
        .split(',')
        .map(|n| n.parse().unwrap())
        .collect();
    let layout = layout(width, &jobs);
    let shape = layout.params().clone();
    println!(
        "{jobs:?} points, {columns} columns, k = {}, {} blocks",
        shape.k,
        shape.blocks()
    );
    let params = measured("setup", || development_string(shape.k));
    let inputs = random_inputs(&jobs, 14);
    let (circuit, public) = measured("witness", || circuit(layout, &inputs));
    let pk = measured("keys", || key(&params, &circuit));
    card(&params, &pk, &shape, public.len());
    let proof = measured("prove", || prove(&params, &pk, circuit, &public));
    assert!(measured("verify", || verifies(
        &params, &pk, &proof, &public
    )));
    println!("{} bytes", proof.len());
    let mut changed = public.clone();
    changed[0] += Fr::ONE;
    assert!(!verifies(&params, &pk, &proof, &changed));
}

/// A real proof of a small job, and real proofs of lies.
#[test]
#[ignore = "three real proofs"]
fn real_proofs_of_lies_do_not_verify() {
    let (shape, lies) = super::lies::samples();
    let params = development_string(shape.params().k);
    let inputs = random_inputs(&[2], 15);
    let (honest, public) = circuit(shape.clone(), &inputs);
    let pk = key(&params, &honest);
    let proof = prove(&params, &pk, honest.clone(), &public);
    assert!(verifies(&params, &pk, &proof, &public));
    assert_eq!(
        native(&inputs[0]),
        honest.witness.as_ref().unwrap().results()[0]
    );
    for lie in lies {
        let (public, values): (Vec<_>, Vec<_>) = lie.outer.into_iter().unzip();
        let forged = ChipCircuit {
            layout: honest.layout.clone(),
            witness: Some(Arc::new(lie.witness)),
            public,
        };
        let proof = prove(&params, &pk, forged, &values);
        assert!(!verifies(&params, &pk, &proof, &values), "{}", lie.name);
    }
    assert_eq!(params.k(), shape.params().k);
}
