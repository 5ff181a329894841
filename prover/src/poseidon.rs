//! The one hash inside the proofs: Poseidon over the BN254 scalar field, t = 3, rate 2, R_F = 8, R_P = 57, the sponge
//! of snark-verifier's transcript and of halo2-base's `PoseidonHasher` (capacity 2^64, a single 1 as padding).
//! Only the native side is here; the gadgets sit beside the circuits that use them.

use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use snark_verifier::{loader::native::NativeLoader, util::hash::Poseidon};
use snark_verifier_sdk::halo2::POSEIDON_SPEC;

/// Digest of a list whose length the context fixes (the padding also separates lists of different lengths).
pub fn poseidon_hash(inputs: &[Fr]) -> Fr {
    let mut sponge = Poseidon::<Fr, Fr, 3, 2>::from_spec(&NativeLoader, POSEIDON_SPEC.clone());
    sponge.update(inputs);
    sponge.squeeze()
}

/// The commitment that a layer proof exposes for the tensors at one of its ends: `Poseidon(salt, words…)`.
pub fn boundary_commitment(salt: Fr, words: &[Fr]) -> Fr {
    let inputs: Vec<Fr> = std::iter::once(salt).chain(words.iter().copied()).collect();
    poseidon_hash(&inputs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2_base::halo2_proofs::halo2curves::ff::Field;

    #[test]
    fn lists_of_different_lengths_are_separated() {
        let [one, zero] = [Fr::ONE, Fr::ZERO];
        let all = [
            vec![],
            vec![zero],
            vec![one],
            vec![one, zero],
            vec![one, one],
            vec![one, one, zero],
        ];
        for (i, a) in all.iter().enumerate() {
            for b in &all[i + 1..] {
                assert_ne!(poseidon_hash(a), poseidon_hash(b), "{a:?} and {b:?}");
            }
        }
    }

    #[test]
    fn commitment_is_the_hash_of_salt_and_words() {
        let words = [Fr::from(7), Fr::from(9)];
        assert_eq!(
            boundary_commitment(Fr::from(3), &words),
            poseidon_hash(&[Fr::from(3), Fr::from(7), Fr::from(9)])
        );
        assert_ne!(
            boundary_commitment(Fr::from(4), &words),
            boundary_commitment(Fr::from(3), &words)
        );
    }
}
