//! What a verification costs, foretold from the shape of a circuit: the precompiles by their prices (EIP-1108), the rest by figures
//! fitted to the stored verifiers (`docs/verifier-gas.json`, to which the test below holds them) and to one of 878 public words.

use crate::{plan::Plan, shape::Shape};

/// The pairing of two pairs.
const PAIRING: f64 = 45_000.0 + 2.0 * 34_000.0;
/// A multiplication and an addition of points, with their calls.
const MULTIPLY_ADD: f64 = 6_350.0;
/// The same in a loop over points.
const LOOP: f64 = 210.0;
/// Whatever the circuit.
const BASE: f64 = 4_000.0;
/// An evaluation that the proof tells: read, hashed, folded.
const EVALUATION: f64 = 164.0;
/// A public word: read, hashed, its Lagrange polynomial.
const INSTANCE: f64 = 315.0;
/// An instruction of the numerator as code.
const STRAIGHT: f64 = 21.0;
/// An instruction that a loop reads from a table.
const INTERPRETED: f64 = 105.0;
/// The key is read from another contract.
pub(crate) const SPLIT: u64 = 980;

/// Predicted gas of the raw verifier's execution: without the transaction, its calldata, leaf and oracle. `length`: instructions of
/// the numerator.
pub(crate) fn predict(shape: &Shape, plan: &Plan, length: usize) -> u64 {
    let (interpreted, loops) = plan.slowness();
    let points = multiplications(shape);
    let terms = [
        (MULTIPLY_ADD, points),
        (LOOP, if loops { points } else { 0 }),
        (EVALUATION, shape.evaluations.len()),
        (INSTANCE, shape.instances),
        (STRAIGHT, length.saturating_sub(interpreted)),
        (INTERPRETED, interpreted),
    ];
    let sum: f64 = terms.iter().map(|(gas, count)| gas * *count as f64).sum();
    (PAIRING + BASE + sum) as u64
}

/// Multiplications by `ecMul`, as `code/points.rs` writes them: quotient, sets, the opening's points, the exposed pair.
fn multiplications(shape: &Shape) -> usize {
    let commitments: usize = shape.sets.iter().map(|set| set.polys.len()).sum();
    let exposed = if shape.accumulator.is_some() { 2 } else { 0 };
    shape.chunks + commitments + 1 + exposed
}

#[cfg(test)]
mod tests {
    use crate::{generate, tests::stored_vk};
    use serde_json::Value;

    #[test]
    fn v8_gas_is_predicted_within_three_percent() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/verifier-gas.json");
        let measured: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        for (name, gas) in measured.as_object().unwrap() {
            let predicted = generate(&stored_vk(name)).unwrap().predicted_gas;
            for (kind, predicted) in [
                ("monolithic-ir", predicted.monolithic),
                ("split-ir", predicted.split),
            ] {
                let ratio = predicted as f64 / gas[kind].as_f64().unwrap();
                assert!((0.97..1.03).contains(&ratio), "{name} {kind}: {ratio}");
            }
        }
    }
}
