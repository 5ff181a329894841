//! Gates of the Poseidon sponge (width 3, rate 2, x⁵, 8 + 57 rounds; eprint 2019/458) on the accumulators:
//! state (s0, s1, s2) = (G, D, H). A full round is `sbox2` and then `partial` with zero constants. The
//! empty sponge, s0 = 2^64, is made by `clear` and a `step_acts` that adds it.

use super::{Gate, LayerConfig, gate};
use crate::poseidon::parameters;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::plonk::{ConstraintSystem, Expression};

/// Full rounds.
pub(crate) const FULL_ROUNDS: usize = 8;
/// Partial rounds.
pub(crate) const PARTIAL_ROUNDS: usize = 57;

pub(super) fn configure(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    absorb(cs, config);
    sbox2(cs, config);
    partial(cs, config);
}

/// Gate `absorb`: s0′ = s0, s1′ = s1 + w3·A + w0, s2′ = s2 + w2·B + w1.      deg 2 + selector 3
/// A, B are COPIES of the absorbed words (w3, w2 are 1 where there is one); w0, w1 add the padding.
fn absorb(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    gate(cs, config, Gate::Absorb, |row| {
        let [w0, w1, w2, w3] = row.w();
        let (a, b) = (row.cur(config.a), row.cur(config.b));
        let ([g, h, d], [next_g, next_h, next_d]) = (row.state(), row.next_state());
        vec![
            next_g - g,
            next_d - d - w3 * a - w0,
            next_h - h - w2 * b - w1,
        ]
    });
}

/// Gate `sbox2`: s0′ = s0 + w0, s1′ = (s1 + w1)⁵, s2′ = (s2 + w2)⁵.      deg 3 + selector 2
/// A = (s1 + w1)², B = (s2 + w2)² are free and fixed by their equations.
fn sbox2(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    gate(cs, config, Gate::Sbox2, |row| {
        let [w0, w1, w2, _] = row.w();
        let (a, b) = (row.cur(config.a), row.cur(config.b));
        let ([g, h, d], [next_g, next_h, next_d]) = (row.state(), row.next_state());
        let (x1, x2) = (d + w1, h + w2);
        vec![
            a.clone() - x1.clone() * x1.clone(),
            b.clone() - x2.clone() * x2.clone(),
            next_g - g - w0,
            next_d - a.clone() * a * x1,
            next_h - b.clone() * b * x2,
        ]
    });
}

/// Gate `partial`: s′ = MDS · ((s0 + w0)⁵, s1 + w1, s2 + w2).      deg 3 + selector 2
/// A = (s0 + w0)² is free and fixed by its equation.
fn partial(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    let mds = parameters().mds;
    gate(cs, config, Gate::Partial, |row| {
        let [w0, w1, w2, _] = row.w();
        let a = row.cur(config.a);
        let ([g, h, d], [next_g, next_h, next_d]) = (row.state(), row.next_state());
        let x0 = g + w0;
        let mixed = [a.clone() * a.clone() * x0.clone(), d + w1, h + w2];
        let dot = |i: usize| {
            let terms = mixed
                .iter()
                .zip(mds[i])
                .map(|(s, c)| s.clone() * Expression::Constant(c));
            terms.reduce(|x, y| x + y).expect("three terms")
        };
        vec![
            a - x0.clone() * x0,
            next_g - dot(0),
            next_d - dot(1),
            next_h - dot(2),
        ]
    });
}
