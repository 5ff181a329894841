//! The lookup argument (logUp: U. Haböck, eprint 2022/1530) as ordinary gates: one tagged table for the 16-bit range,
//! all function tables and all embedding tables.
//!
//! Every active row looks up three tuples (argument, result, tag), compressed with γ:
//! f_Y = Y + γ·(tag·A′ + embed·H) + γ²·(tag + 2^20·embed), f_R = R, f_E = E;
//! and offers one: t = t0 + γ·(t1 + embed·H) + γ²·(t2 − 1 + 2^20·embed), as often as `m` says. Active are the rows where
//! t2 is not 0: it is 1 more than the entry's tag on rows 1 to last − 1, and 0 on all others.
//!
//! * plain row (tag = embed = 0): Y, R, E are in the range table, tag 0.
//! * function row (tag = i ≥ 1): (Y, i·A′, i) is a row of function i: A of the next row is f(Y).
//! * embedding row (embed = j ≥ 1): (Y, j·H, 2^20·j): H, the fingerprint Σ ρ^… of an output row, belongs to id Y.
//!   The table row of id `t0` is built where its fingerprint ends, with embed = j as well: there Y = t0 looks itself
//!   up, which changes nothing. On rows that only look up, the entry's tag is one that nothing names.
//!
//! β, γ (and ρ inside H) are drawn together after phase 0, which holds Y, R, E, A and m; h, S and H are functions of
//! those. Error at most (3·2^k + 2^k)·(k-degree terms)/p: see docs/security.md.

use super::{EMBED_TAG, Gate, LayerConfig, Row, constant, gate};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::plonk::{ConstraintSystem, Expression};

/// Gates `logup`: with d_x = β − f_x, d_t = β − t
/// (1) t2·(h·d_Y·d_E − d_Y − d_E) = 0                               deg 5
/// (2) t2·((S′ − S − h)·d_R·d_t − d_t + m·d_R) = 0                  deg 5
/// (3) S = 0 on row 1 and on the last one (and on row 0).           deg 1 + selector 4
/// So Σ 1/d_Y + 1/d_R + 1/d_E = Σ m/d_t over the active rows: these are the rows from 1 to the last but one, without a gap.
pub(super) fn configure(cs: &mut ConstraintSystem<Fr>, config: &LayerConfig) {
    cs.create_gate("Logup", |cells| {
        let mut row = Row::new(config, cells);
        let beta = row.challenge(config.challenges.beta);
        let active = row.fixed(config.table[2]);
        let (helper, m) = (row.cur(config.helper), row.cur(config.m));
        let step = row.next(config.sum) - row.cur(config.sum) - helper.clone();
        let dy = beta.clone() - looked_up(&mut row, config);
        let dr = beta.clone() - row.cur(config.r);
        let de = beta.clone() - row.cur(config.e);
        let dt = beta - offered(&mut row, config);
        vec![
            active.clone() * (helper * dy.clone() * de.clone() - dy - de),
            active * (step * dr.clone() * dt.clone() - dt + m * dr),
        ]
    });
    gate(cs, config, Gate::LogupEnd, |row| vec![row.cur(config.sum)]);
}

fn looked_up(row: &mut Row<'_, '_>, config: &LayerConfig) -> Expression<Fr> {
    let gamma = row.challenge(config.challenges.gamma);
    let (tag, embed) = (row.fixed(config.tag), row.fixed(config.embed));
    let (y, result, h) = (row.cur(config.y), row.next(config.a), row.cur(config.h));
    y + gamma.clone() * (tag.clone() * result + embed.clone() * h)
        + gamma.clone() * gamma * (tag + embed * constant(EMBED_TAG))
}

fn offered(row: &mut Row<'_, '_>, config: &LayerConfig) -> Expression<Fr> {
    let gamma = row.challenge(config.challenges.gamma);
    let [t0, t1, t2] = config.table.map(|t| row.fixed(t));
    let (embed, h) = (row.fixed(config.embed), row.cur(config.h));
    t0 + gamma.clone() * (t1 + embed.clone() * h)
        + gamma.clone() * gamma * (t2 - constant(1) + embed * constant(EMBED_TAG))
}
