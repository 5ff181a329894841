//! The Solidity of a stored key, both back ends, for benches.
//! `cargo run --release -p halocast-verifier-gen --example ours -- KEY DIR`

use halocast_prover::aggregate::AggregationVk;
use halocast_verifier_gen::generate;
use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let key = args.next().ok_or("which key?")?;
    let dir = PathBuf::from(args.next().ok_or("which directory?")?);
    let vk: AggregationVk = bincode::deserialize(&fs::read(key)?)?;
    let made = generate(&vk)?;
    fs::write(dir.join("Monolithic.sol"), &made.sol)?;
    fs::write(dir.join("Split.sol"), &made.split.verifier)?;
    fs::write(dir.join("Key.sol"), &made.split.key)?;
    Ok(())
}
