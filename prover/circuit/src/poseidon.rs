//! Poseidon outside the circuit: parameters, the sponge, and boundary commitments.

use crate::gates::{FULL_ROUNDS, PARTIAL_ROUNDS};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::{Field, PrimeField};
use poseidon_primitives::poseidon::primitives::Spec;
use std::sync::LazyLock;

/// Width 3, rate 2, x⁵, 8 + 57 rounds over BN254's scalar field, constants by the Grain LFSR of the paper.
#[derive(Debug)]
struct Width3;

impl Spec<Fr, 3, 2> for Width3 {
    fn full_rounds() -> usize {
        FULL_ROUNDS
    }

    fn partial_rounds() -> usize {
        PARTIAL_ROUNDS
    }

    fn sbox(value: Fr) -> Fr {
        value.pow_vartime([5])
    }

    fn secure_mds() -> usize {
        0
    }
}

/// Round constants (one triple a round) and mixing matrix.
#[derive(Debug)]
pub(crate) struct Parameters {
    pub(crate) constants: Vec<[Fr; 3]>,
    pub(crate) mds: [[Fr; 3]; 3],
}

/// The parameters, computed once.
pub(crate) fn parameters() -> &'static Parameters {
    static PARAMETERS: LazyLock<Parameters> = LazyLock::new(|| {
        let (constants, mds, _) = Width3::constants();
        Parameters { constants, mds }
    });
    &PARAMETERS
}

/// The sponge on a fixed number of words: capacity starts at 2^64, one 1 pads, the result is the second element of
/// the state; the same function as snark-verifier's `Poseidon<_, _, 3, 2>`.
pub fn hash(words: &[Fr]) -> Fr {
    let mut state = [Fr::from_u128(1 << 64), Fr::ZERO, Fr::ZERO];
    for (first, second) in chunks(words) {
        state[1] += first.unwrap_or(Fr::ZERO) + if first.is_none() { Fr::ONE } else { Fr::ZERO };
        let pad = first.is_some() && second.is_none();
        state[2] += second.unwrap_or(Fr::ZERO) + if pad { Fr::ONE } else { Fr::ZERO };
        permute(&mut state);
    }
    state[1]
}

/// What each permutation absorbs: pairs of words, then whatever carries the padding.
pub(crate) fn chunks(words: &[Fr]) -> impl Iterator<Item = (Option<Fr>, Option<Fr>)> + '_ {
    let count = words.len() / 2 + 1;
    (0..count).map(|i| (words.get(2 * i).copied(), words.get(2 * i + 1).copied()))
}

/// Whether a round applies the S-box to the whole state: the first and the last four do.
pub(crate) fn is_full_round(round: usize) -> bool {
    let partial = FULL_ROUNDS / 2..FULL_ROUNDS / 2 + PARTIAL_ROUNDS;
    !partial.contains(&round)
}

fn permute(state: &mut [Fr; 3]) {
    let parameters = parameters();
    for (round, constants) in parameters.constants.iter().enumerate() {
        let full = is_full_round(round);
        for (i, (s, c)) in state.iter_mut().zip(constants).enumerate() {
            *s += c;
            if full || i == 0 {
                *s *= s.square().square();
            }
        }
        *state = parameters
            .mds
            .map(|row| row.iter().zip(&*state).map(|(m, s)| m * s).sum());
    }
}

/// The field elements of packed words ([`halocast_ir::pack`]).
pub fn words(values: &[i32]) -> Vec<Fr> {
    let element = |w: [u8; 32]| Fr::from_repr(w).expect("packed words have 240 bits");
    halocast_ir::pack(values).into_iter().map(element).collect()
}

/// The commitment to the tensors live at a boundary: the sponge on `[salt, words…]`.
pub fn boundary_commitment(salt: Fr, words: &[Fr]) -> Fr {
    hash(&[&[salt], words].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use snark_verifier::loader::native::NativeLoader;
    use snark_verifier::util::hash::Poseidon;

    #[test]
    fn agrees_with_snark_verifier() {
        for n in 0..6u64 {
            let input: Vec<Fr> = (0..n).map(|i| Fr::from(i * i + 7)).collect();
            let mut other = Poseidon::<Fr, Fr, 3, 2>::new::<8, 57, 0>(&NativeLoader);
            other.update(&input);
            assert_eq!(hash(&input), other.squeeze(), "{n} words");
        }
    }
}
