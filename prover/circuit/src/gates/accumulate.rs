//! Gates on the accumulators G, H, D (phase 1): each says what the next row holds. Sums live in D; matrix products
//! are checked by Freivalds' method (R. Freivalds, 1977) with two challenges drawn after both operands and the result
//! are committed.
//!
//! For `acc = X·W` (`[T,n]·[n,m]`) the rows prove
//! Σ_t σ^(T−1−t) Σ_j ρ^(m−1−j) acc[t,j] = Σ_i (Σ_t σ^(T−1−t) X[t,i]) · (Σ_j ρ^(m−1−j) W[i,j]):
//! `clear`, then per t: m × `step_result`, `result_end`; then per i: `step_weights` or `step_acts` rows, `mul_end`;
//! then `clear` again, which says that D came back to 0. By Schwartz–Zippel a wrong product passes with probability at
//! most (T + m)/p over ρ, σ.
//!
//! Where W is constant, L = `GROUP` of its columns may share a fixed cell, w = Σ_l 2^(41·l)·w_l: the rows then prove the
//! same for the packed matrix, whose product is Σ_l 2^(41·l)·acc_l. That determines every acc_l because each result row
//! also bounds its own (`gadgets::product` says how). The group's sum is a Horner chain too: `group_start` multiplies H
//! by ρ·2^(−41·(L−1)), each of the L − 1 `group_step`s by 2^41. A row of the matrix starts with H = 0, where the factor
//! does not matter: there `step_result` stands, and a shorter group fits.

use super::{ACC_OFFSET_LOG2, GROUP_BITS, Gate, LayerConfig, Row, gate, group_start, pow2};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::plonk::{ConstraintSystem, Expression};

pub(super) fn configure(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    clear(cs, config);
    reduce(cs, config);
    reveal(cs, config);
    step_result(cs, config);
    group(cs, config);
    result_end(cs, config);
    step_weights(cs, config);
    step_acts(cs, config);
    mul_end(cs, config);
}

/// Gate `clear`: G = H = D = 0 on this row. Starts every chain, and ends a Freivalds check.      deg 1 + selector 4
fn clear(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    gate(cs, config, Gate::Clear, |row| row.state().to_vec());
}

/// Gate `reduce`: D′ = D + F (the bilinear form of this row; A, B COPIES).      deg 3 + selector 2
fn reduce(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    gate(cs, config, Gate::Reduce, |row| {
        let ([_, _, d], [_, _, next_d]) = (row.state(), row.next_state());
        vec![next_d - d - row.form()]
    });
}

/// Gate `reveal`: A = D + the instance, so that an accumulated value can be copied.      deg 1 + selector 3
/// D is fixed by the chain before this row; no challenge enters sums and sponges, so A may be committed earlier. The
/// instance is 0 but on rows 0 and 1, where `clear` stands beside this gate: there A is the instance. `wide` is always on
/// beside it: a range check of what is revealed, or, without coefficients, Y = R = E = 0.
fn reveal(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    gate(cs, config, Gate::Reveal, |row| {
        let [_, _, d] = row.state();
        vec![row.cur(config.a) - d - row.instance()]
    });
}

/// Gate `step_result`: H′ = ρ·H + B − 2^40, D′ = D.      deg 1 + selector 4
/// B is the result's own cell (the accumulator plus 2^40), read where it stands; A is left for a function's result.
fn step_result(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    gate(cs, config, Gate::StepResult, |row| {
        let rho = row.challenge(config.challenges.rho);
        result_step(row, config, rho)
    });
}

/// Gates `group_start`: H′ = ρ·2^(−41·(L−1))·H + B − 2^40, D′ = D;
/// `group_step`: H′ = 2^41·H + B − 2^40, D′ = D.      deg 1 + selector 4
fn group(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    gate(cs, config, Gate::GroupStart, |row| {
        let rho = row.challenge(config.challenges.rho);
        result_step(row, config, rho * group_start())
    });
    gate(cs, config, Gate::GroupStep, |row| {
        result_step(row, config, pow2(GROUP_BITS))
    });
}

fn result_step(
    row: &mut Row<'_, '_>,
    config: &LayerConfig,
    factor: Expression<Fr>,
) -> Vec<Expression<Fr>> {
    let ([_, h, d], [_, next_h, next_d]) = (row.state(), row.next_state());
    let b = row.cur(config.b);
    vec![next_h - h * factor - b + pow2(ACC_OFFSET_LOG2), next_d - d]
}

/// Gate `result_end`: D′ = σ·D + H, G′ = H′ = 0.      deg 1 + selector 4
fn result_end(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    gate(cs, config, Gate::ResultEnd, |row| {
        let sigma = row.challenge(config.challenges.sigma);
        let ([_, h, d], [next_g, next_h, next_d]) = (row.state(), row.next_state());
        vec![next_d - d * sigma - h, next_g, next_h]
    });
}

/// Gate `step_weights`: G′ = σ²·G + σ·(A − 2^15) + (B − 2^15), H′ = ρ⁴·H + ρ³·w0 + ρ²·w1 + ρ·w2 + w3, D′ = D.
/// A, B are COPIES of two activations (coded + 2^15) of one column of X; w0…w3 four weights (or packed groups of
/// weights) of one row of W.
/// deg 1 + selector 3
fn step_weights(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    gate(cs, config, Gate::StepWeights, |row| {
        let rho = row.challenge(config.challenges.rho);
        let sigma = row.challenge(config.challenges.sigma);
        let ([g, h, d], [next_g, next_h, next_d]) = (row.state(), row.next_state());
        let (a, b) = (row.cur(config.a) - pow2(15), row.cur(config.b) - pow2(15));
        let step_g = (g * sigma.clone() + a) * sigma + b;
        let step_h = row.w().into_iter().fold(h, |h, w| h * rho.clone() + w);
        vec![next_g - step_g, next_h - step_h, next_d - d]
    });
}

/// Gate `step_acts`: G′ = σ·G + w0·A + w1, H′ = ρ·H + w2·B + w3, D′ = D.      deg 2 + selector 3
/// A is a COPY of an activation of X, B of one of the second operand; w0, w2 are 1 (or 0 where there is none), w1, w3
/// take the coding's offset away.
fn step_acts(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    gate(cs, config, Gate::StepActs, |row| {
        let rho = row.challenge(config.challenges.rho);
        let sigma = row.challenge(config.challenges.sigma);
        let ([g, h, d], [next_g, next_h, next_d]) = (row.state(), row.next_state());
        let [w0, w1, w2, w3] = row.w();
        let (a, b) = (row.cur(config.a), row.cur(config.b));
        vec![
            next_g - g * sigma - w0 * a - w1,
            next_h - h * rho - w2 * b - w3,
            next_d - d,
        ]
    });
}

/// Gate `mul_end`: D′ = D − G·H, G′ = H′ = 0.      deg 2 + selector 3
fn mul_end(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    gate(cs, config, Gate::MulEnd, |row| {
        let ([g, h, d], [next_g, next_h, next_d]) = (row.state(), row.next_state());
        vec![next_d - d + g * h, next_g, next_h]
    });
}
