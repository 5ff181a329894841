//! Phase 1: every accumulator that a gate reads is fixed, by a constraint that bites. The prover is free to lie in these
//! columns too, so each constraint on them is tested by itself.

use super::checker::{Checker, Refusal, any_on, is_on};
use super::ops::all;
use crate::builder::Builder;
use crate::gates::Gate;
use crate::poseidon::parameters;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use std::collections::HashSet;

const G: u8 = 0b001;
const H: u8 = 0b010;
const D: u8 = 0b100;
const ALL: u8 = G | H | D;

/// (gate, accumulators that it reads, accumulators of the next row that it fixes)
const ACCUMULATORS: [(Gate, u8, u8); 12] = [
    (Gate::Reduce, D, D),
    (Gate::Reveal, D, 0),
    (Gate::StepResult, H | D, H | D),
    (Gate::GroupStart, H | D, H | D),
    (Gate::GroupStep, H | D, H | D),
    (Gate::ResultEnd, H | D, ALL),
    (Gate::StepWeights, ALL, ALL),
    (Gate::StepActs, ALL, ALL),
    (Gate::MulEnd, ALL, ALL),
    (Gate::Absorb, ALL, ALL),
    (Gate::Sbox2, ALL, ALL),
    (Gate::Partial, ALL, ALL),
];

/// Names of the gates that are tested here.
pub(super) fn gates() -> HashSet<String> {
    let names = ACCUMULATORS.iter().map(|(gate, ..)| format!("{gate:?}"));
    names.chain([format!("{:?}", Gate::Clear)]).collect()
}

fn on_at(rows: &Builder, row: usize) -> impl Iterator<Item = &'static (Gate, u8, u8)> + '_ {
    let on = move |&(gate, ..): &&(Gate, u8, u8)| is_on(rows, row, *gate);
    ACCUMULATORS.iter().filter(on)
}

/// Every accumulator that a gate reads was fixed: by the row before, or by a gate that starts a chain on this row.
/// (A chain whose start is free would accept anything.)
#[test]
fn every_accumulator_has_a_start() {
    for (name, case) in all() {
        let rows = case.layout().unwrap().rows;
        let mut fixed = 0;
        for row in 0..rows.len() {
            if is_on(&rows, row, Gate::Clear) {
                fixed = ALL;
            }
            let (mut reads, writes) = on_at(&rows, row)
                .fold((0, 0), |(r, w), (_, reads, writes)| (r | reads, w | writes));
            if rows.embeds[row] != 0 {
                reads |= H;
            }
            assert_eq!(
                reads & !fixed,
                0,
                "{name}: row {row} reads an accumulator that nothing fixes"
            );
            fixed = writes;
        }
    }
}

/// A gate that fixes the next row's accumulators never meets a start there: the two would contradict each other.
#[test]
fn no_chain_is_cut_off() {
    for (name, case) in all() {
        let rows = case.layout().unwrap().rows;
        for row in 1..rows.len() {
            let sum = is_on(&rows, row - 1, Gate::Reduce) && rows.w[row - 1] != [Fr::ZERO; 4];
            let ends = sum && is_on(&rows, row, Gate::Clear);
            assert!(!ends, "{name}: the sum before row {row} is never revealed");
        }
    }
}

/// One accumulator of one row changed by one: each gate that fixes it refuses by itself.
#[test]
fn every_gate_that_fixes_an_accumulator_refuses_another() {
    let checker = Checker::new();
    for (name, case) in all() {
        let (layout, instances) = (case.layout().unwrap(), case.instances());
        let rows = &layout.rows;
        let mut state = layout.run_state(&checker.challenges());
        for row in 0..=rows.len() {
            let clear = row < rows.len() && is_on(rows, row, Gate::Clear);
            let here = clear.then_some((Gate::Clear, ALL, row)).into_iter();
            let before = row.checked_sub(1).into_iter().flat_map(|before| {
                on_at(rows, before).map(move |&(gate, _, writes)| (gate, writes, before))
            });
            for (gate, writes, at) in here.chain(before) {
                for column in (0..3).filter(|i| writes >> i & 1 == 1) {
                    state[column][row] += Fr::ONE;
                    let holds = checker.holds(&layout, instances, &state, (gate, at));
                    state[column][row] -= Fr::ONE;
                    assert!(
                        !holds,
                        "{name}: {gate:?} on row {at} accepts another {column} on row {row}"
                    );
                }
            }
        }
    }
}

/// A chain that starts with another value and goes on from it as its gates say: refused where it starts, by `clear`.
#[test]
fn every_chain_starts_at_zero() {
    let checker = Checker::new();
    for (name, case) in all() {
        let (layout, instances) = (case.layout().unwrap(), case.instances());
        let rows = layout.rows.len();
        for first in (0..rows).filter(|&row| is_on(&layout.rows, row, Gate::Clear)) {
            for column in 0..3 {
                let start = |row, _| {
                    let lie = |i| Fr::from(u64::from(row == first && i == column));
                    [0, 1, 2].map(lie)
                };
                let state = layout.run_state_from(&checker.challenges(), start);
                let verdict = checker.check_rows(&layout, instances, &state, first..rows);
                let (gate, row) = ("Clear".to_owned(), first);
                let refused = Err(Refusal::Gate { name: gate, row });
                assert_eq!(verdict, refused, "{name}: accumulator {column}");
            }
        }
    }
}

/// The sponge's free squares: another one, with the next state worked out from it, is refused by its own equation.
#[test]
fn the_squares_of_the_sponge_are_squares() {
    let checker = Checker::new();
    let case = super::ops::wiring_case();
    let (mut layout, instances) = (case.layout().unwrap(), case.instances());
    let mut state = layout.run_state(&checker.challenges());
    let mut tried = 0;
    for row in 0..layout.rows.len() {
        if !any_on(&layout.rows, row, &[Gate::Sbox2, Gate::Partial]) {
            continue;
        }
        let honest = [0, 1, 2].map(|i: usize| state[i][row + 1]);
        let now = [0, 1, 2].map(|i: usize| state[i][row]);
        let full = is_on(&layout.rows, row, Gate::Sbox2);
        let gate = if full { Gate::Sbox2 } else { Gate::Partial };
        for lie in [Fr::ZERO, Fr::ONE] {
            for column in 0..if full { 2 } else { 1 } {
                let cell = |rows: &mut Builder| *super::checker::cell_mut(rows, column, row);
                let square = cell(&mut layout.rows);
                *super::checker::cell_mut(&mut layout.rows, column, row) = square + lie;
                let next = after_squares(&layout.rows, row, now);
                (0..3).for_each(|i| state[i][row + 1] = next[i]);
                let holds = checker.holds(&layout, instances, &state, (gate, row));
                assert_eq!(holds, lie == Fr::ZERO, "{gate:?} row {row} column {column}");
                *super::checker::cell_mut(&mut layout.rows, column, row) = square;
                (0..3).for_each(|i| state[i][row + 1] = honest[i]);
                tried += 1;
            }
        }
    }
    assert!(tried > 2 * 2 * 65);
}

/// The state after a round's row, from the squares that stand in A and B.
fn after_squares(rows: &Builder, row: usize, [g, h, d]: [Fr; 3]) -> [Fr; 3] {
    let ([w0, w1, w2, _], a, b) = (rows.w[row], rows.a[row], rows.b[row]);
    if is_on(rows, row, Gate::Sbox2) {
        return [g + w0, b.square() * (h + w2), a.square() * (d + w1)];
    }
    let mixed = [a.square() * (g + w0), d + w1, h + w2];
    let dot = |row: [Fr; 3]| row.iter().zip(&mixed).map(|(m, s)| m * s).sum::<Fr>();
    let [s0, s1, s2] = parameters().mds.map(dot);
    [s0, s2, s1]
}
