//! The pair (L, R) that stands for all pairing checks of proofs below: as two points, and as twelve public words.

use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Bn256, Fr, G1, G1Affine},
    ff::Field,
    group::{Curve, prime::PrimeCurveAffine},
};
use rand::RngCore;
use snark_verifier::{
    loader::native::NativeLoader,
    pcs::{
        AccumulationDecider, AccumulatorEncoding,
        kzg::{KzgAccumulator, KzgDecidingKey, LimbsEncoding},
    },
    util::arithmetic::fe_to_limbs,
};
use snark_verifier_sdk::{BITS, LIMBS, SHPLONK};

/// Two points, valid if e(L, G2) = e(R, τG2).
pub(crate) type Pair = KzgAccumulator<G1Affine, NativeLoader>;

/// s·(τG, G) for a random s: valid, and uniform among the valid pairs.
pub(crate) fn random_pair(g: G1Affine, tau_g: G1Affine, rng: impl RngCore) -> Pair {
    let s = Fr::random(rng);
    Pair::new((tau_g * s).to_affine(), (G1::from(g) * s).to_affine())
}

/// e(L, G2) = e(R, τG2)
pub(crate) fn decide(key: &KzgDecidingKey<Bn256>, pair: Pair) -> Result<(), snark_verifier::Error> {
    <SHPLONK as AccumulationDecider<_, NativeLoader>>::decide(key, pair)
}

/// Twelve limbs as two points: limbs in range, coordinates canonical, points on the curve. (0, 0) is the identity to the
/// curve's library and no point to the contract; it is refused here too.
pub(crate) fn decode(limbs: &[Fr]) -> Option<Pair> {
    let limbs: Vec<&Fr> = limbs.iter().collect();
    let pair: Pair =
        <LimbsEncoding<LIMBS, BITS> as AccumulatorEncoding<G1Affine, NativeLoader>>::from_repr(
            &limbs,
        )
        .ok()?;
    match bool::from(pair.lhs.is_identity() | pair.rhs.is_identity()) {
        true => None,
        false => Some(pair),
    }
}

/// Limbs of x, then of y, of L, then of R.
pub(crate) fn encode(pair: &Pair) -> Vec<Fr> {
    let coordinates = [pair.lhs.x, pair.lhs.y, pair.rhs.x, pair.rhs.y];
    let limbs = coordinates.map(fe_to_limbs::<_, Fr, LIMBS, BITS>);
    limbs.concat()
}
