//! snark-verifier's own Solidity for a stored key: what ours is measured and tested against.
//! `cargo run --release -p halocast-verifier-gen --example baseline -- KEY > Baseline.sol`

use halo2_base::halo2_proofs::halo2curves::bn256::{Fq, Fr, G1Affine};
use halocast_prover::aggregate::AggregationVk;
use snark_verifier::{
    loader::evm::EvmLoader, system::halo2::transcript::evm::EvmTranscript, verifier::SnarkVerifier,
};
use snark_verifier_sdk::{PlonkVerifier, SHPLONK};
use std::{env, error::Error, fs, rc::Rc};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("which key?")?;
    let vk: AggregationVk = bincode::deserialize(&fs::read(path)?)?;
    let source = run_verifier(&vk).map_err(|e| format!("{e:?}"))?;
    // Its pragma names the compiler of its day.
    let pragma = "pragma solidity 0.8.19;";
    print!("{}", source.replace(pragma, "pragma solidity 0.8.37;"));
    Ok(())
}

/// Both accumulators, the proof's own and the exposed one, are decided by one pairing check (`PlonkVerifier`).
fn run_verifier(vk: &AggregationVk) -> Result<String, snark_verifier::Error> {
    let loader = EvmLoader::new::<Fq, Fr>();
    let protocol = vk.protocol().loaded(&loader);
    let mut transcript = EvmTranscript::<G1Affine, Rc<EvmLoader>, _, _>::new(&loader);
    let instances = transcript.load_instances(protocol.num_instance.clone());
    let key = vk.deciding_key();
    let proof = PlonkVerifier::<SHPLONK>::read_proof(key, &protocol, &instances, &mut transcript)?;
    PlonkVerifier::<SHPLONK>::verify(key, &protocol, &instances, &proof)?;
    Ok(loader.solidity_code())
}
