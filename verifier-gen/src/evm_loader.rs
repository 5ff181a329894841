//! Back end: snark-verifier's EVM loader, which runs the verifier's algorithm and writes down what it does as assembly.
//! Its text is patched in three places, each of which must be there exactly once.

use crate::{GenerateError, generate::SOLC_VERSION};
use halo2_base::halo2_proofs::halo2curves::bn256::{Fq, Fr, G1Affine};
use halocast_prover::aggregate::AggregationVk;
use snark_verifier::{
    loader::evm::EvmLoader, system::halo2::transcript::evm::EvmTranscript, verifier::SnarkVerifier,
};
use snark_verifier_sdk::{PlonkVerifier, SHPLONK};
use std::rc::Rc;

const LICENSE: &str = "// SPDX-License-Identifier: MIT";
const PRAGMA: &str = "pragma solidity 0.8.19;";
const CONTRACT: &str = "contract Halo2Verifier {";

/// Solidity source with `header` under its licence line.
pub(crate) fn raw_source(vk: &AggregationVk, header: &str) -> Result<String, GenerateError> {
    let source = run_verifier(vk)?;
    for expected in [LICENSE, PRAGMA, CONTRACT] {
        let found = source.matches(expected).count();
        if found != 1 {
            return Err(GenerateError::BackEnd { expected, found });
        }
    }
    let source = source
        .replace(LICENSE, &format!("{LICENSE}\n{header}"))
        .replace(PRAGMA, &format!("pragma solidity {SOLC_VERSION};"));
    let lines = source
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty());
    Ok(lines.fold(String::new(), |text, line| text + line + "\n"))
}

/// Both accumulators, the proof's own and the exposed one, are decided by one pairing check (`PlonkVerifier`).
fn run_verifier(vk: &AggregationVk) -> Result<String, GenerateError> {
    let unsupported = |e: snark_verifier::Error| GenerateError::UnsupportedKey(format!("{e:?}"));
    let loader = EvmLoader::new::<Fq, Fr>();
    let protocol = vk.protocol().loaded(&loader);
    let mut transcript = EvmTranscript::<G1Affine, Rc<EvmLoader>, _, _>::new(&loader);
    let instances = transcript.load_instances(protocol.num_instance.clone());
    let proof = PlonkVerifier::<SHPLONK>::read_proof(
        vk.deciding_key(),
        &protocol,
        &instances,
        &mut transcript,
    )
    .map_err(unsupported)?;
    PlonkVerifier::<SHPLONK>::verify(vk.deciding_key(), &protocol, &instances, &proof)
        .map_err(unsupported)?;
    Ok(loader.solidity_code())
}
