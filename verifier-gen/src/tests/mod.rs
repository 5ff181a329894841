//! Against stored keys and proofs (`tests/fixtures`):
//! * `three-layers`: an aggregation of three layer proofs of TinyGemma, made with `halocast setup` and `halocast prove` (the bytes in
//!   `keys/aggregate.vk`, and two fields of the proof file);
//! * `wrap`: the narrow aggregation over one fold of six layer proofs (`make bench-aggregation`, `wrap-6`: key, proof and calldata as written there); its opening
//!   sets have so many points that the legacy pipeline once found the products over them too deep;
//! * `small`, `wide`: synthetic circuits (`synthetic.rs`), `wide` of the size of a chip with some 1,500 multiplications.
//!
//! `BLESS=1` rewrites what is generated. The Solidity side of the same fixtures is in `forge/`, run by `scripts/verifier-tests.sh`.

mod forged;
mod golden;
mod mutations;
mod numerator;
mod synthetic;
mod unsupported;

use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Fq, Fr},
    ff::PrimeField,
};
use halocast_prover::aggregate::{AggregationVk, OuterProof};
use serde::{Deserialize, Serialize};
use std::{env, fs, path::PathBuf};

/// A proof as it is stored.
#[derive(Serialize, Deserialize)]
struct ProofFile {
    instances: Vec<String>,
    proof: String,
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn blessed() -> bool {
    env::var_os("BLESS").is_some()
}

/// Compares with a stored file, or writes it.
fn golden(name: &str, bytes: &[u8]) {
    let path = fixture(name);
    if blessed() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
    }
    let stored = fs::read(&path).unwrap_or_default();
    assert!(stored == bytes, "{name} changed: look, then BLESS=1");
}

pub(crate) fn stored_vk(name: &str) -> AggregationVk {
    bincode::deserialize(&fs::read(fixture(&format!("{name}.vk"))).unwrap()).unwrap()
}

fn stored_proof(name: &str) -> OuterProof {
    let text = fs::read_to_string(fixture(&format!("{name}.proof.json"))).unwrap();
    let file: ProofFile = serde_json::from_str(&text).unwrap();
    let word = |hex: &String| {
        let mut repr: [u8; 32] = bytes(hex).try_into().unwrap();
        repr.reverse();
        Fr::from_repr(repr).unwrap()
    };
    OuterProof {
        instances: file.instances.iter().map(word).collect(),
        proof: bytes(&file.proof),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.strip_prefix("0x").unwrap();
    (0..digits.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap())
        .collect()
}

/// A field element from a word, if it is one.
fn scalar(word: &[u8]) -> Option<Fr> {
    let mut repr: [u8; 32] = word.try_into().unwrap();
    repr.reverse();
    Fr::from_repr(repr).into()
}

fn coordinate(word: &[u8]) -> Option<Fq> {
    let mut repr: [u8; 32] = word.try_into().unwrap();
    repr.reverse();
    Fq::from_repr(repr).into()
}
