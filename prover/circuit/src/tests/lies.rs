//! Every advice cell of every gadget changed: refused, or nothing reads the cell.

use super::checker::{Checker, Refusal, cell_mut, check, number};
use super::ops::{Case, all};
use crate::builder::Builder;
use crate::gates::Gate;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use std::collections::HashSet;

const A: usize = 0;
const B: usize = 1;
const Y: usize = 2;

fn is_on(rows: &Builder, row: usize, gate: Gate) -> bool {
    rows.selectors[row][gate.code().0] == gate.code().1
}

/// Whether a gate that is on at the row says something about the cell.
fn is_read(rows: &Builder, row: usize, column: usize) -> bool {
    let any = |gates: &[Gate]| gates.iter().any(|&g| is_on(rows, row, g));
    let [w0, w1, w2, w3] = rows.w[row];
    let limbs = any(&[Gate::NarrowAct, Gate::NarrowFunc, Gate::Wide]);
    let form = limbs || any(&[Gate::Zero, Gate::Reduce]);
    match column {
        A => {
            let always = [
                Gate::Max,
                Gate::StepWeights,
                Gate::Sbox2,
                Gate::Partial,
                Gate::Reveal,
            ];
            any(&always)
                || (form && w0 * rows.b[row] + w1 != Fr::ZERO)
                || (is_on(rows, row, Gate::Absorb) && w3 != Fr::ZERO)
                || (is_on(rows, row, Gate::StepActs) && w0 != Fr::ZERO)
        }
        B => {
            let steps = [Gate::StepResult, Gate::GroupStart, Gate::GroupStep];
            any(&[Gate::Max, Gate::StepWeights, Gate::Sbox2])
                || any(&steps)
                || (form && w0 * rows.a[row] + w2 != Fr::ZERO)
                || (any(&[Gate::Absorb, Gate::StepActs]) && w2 != Fr::ZERO)
        }
        _ => limbs || is_on(rows, row, Gate::Max),
    }
}

/// Cells that are tied by nothing: no copy, no gate, no lookup of a result.
fn is_free(rows: &Builder, copied: &HashSet<(usize, u32)>, column: usize, row: usize) -> bool {
    let looked_up = (column == A && row > 0 && rows.tags[row - 1] != 0)
        || (column == Y && (rows.tags[row] != 0 || rows.embeds[row] != 0));
    // In the blocks of an embedding table only the weights count: the activations' side of `step_weights` feeds a
    // product that nothing reads.
    let end = (row..rows.len())
        .find(|&r| !is_on(rows, r, Gate::StepWeights))
        .unwrap_or(row);
    let in_table = column <= B && is_on(rows, row, Gate::StepWeights) && rows.embeds[end] != 0;
    let read = is_read(rows, row, column) && !in_table;
    !read && !looked_up && !copied.contains(&(column, row as u32))
}

fn lies_of(name: &str, case: &Case) {
    let mut layout = case.layout().unwrap();
    let instances = case.instances();
    let copied: HashSet<(usize, u32)> = layout
        .rows
        .copies
        .iter()
        .flat_map(|&(x, y)| [x, y])
        .map(|c| (number(c.column), c.row))
        .collect();
    let rows = layout.rows.len();
    let checker = Checker::new();
    let mut refused = 0;
    // The boundary's sponge is the same in every case: its rows are tested in one of them.
    let sponge = |layout: &crate::layout::Layout, row: usize| {
        [Gate::Sbox2, Gate::Partial]
            .iter()
            .any(|g| layout.rows.selectors[row][g.code().0] == g.code().1)
    };
    for row in 0..rows {
        if sponge(&layout, row) && name != "wiring" {
            continue;
        }
        for column in 0..5 {
            let free = is_free(&layout.rows, &copied, column, row);
            if free {
                continue;
            }
            let honest = *cell_mut(&mut layout.rows, column, row);
            *cell_mut(&mut layout.rows, column, row) = honest + Fr::ONE;
            let verdict = checker.check_from(&layout, instances, row.saturating_sub(1));
            *cell_mut(&mut layout.rows, column, row) = honest;
            assert_ne!(
                verdict,
                Ok(()),
                "{name}: column {column} row {row} changed by one is accepted"
            );
            refused += 1;
        }
    }
    assert!(refused > 50, "{name}: only {refused} cells are tied");
}

#[test]
fn every_tied_cell_bites() {
    for (name, case) in all() {
        lies_of(name, &case);
    }
}

#[test]
fn another_instance_is_refused() {
    let case = super::ops::wiring_case();
    let layout = case.layout().unwrap();
    for i in 0..2 {
        let mut instances = case.instances();
        instances[i] += Fr::ONE;
        assert_eq!(
            check(&layout, instances),
            Err(Refusal::Gate {
                name: "Reveal".into(),
                row: i
            })
        );
    }
}

/// Every accumulator that a gate reads was fixed: by the row before, or by a gate that starts a chain on this row.
/// (A chain whose start is free would accept anything.)
#[test]
fn every_accumulator_has_a_start() {
    const ALL: u8 = 0b111;
    let [h, d] = [0b010, 0b100];
    let table = [
        (Gate::Reduce, d, d),
        (Gate::Reveal, d, 0),
        (Gate::StepResult, h | d, h | d),
        (Gate::GroupStart, h | d, h | d),
        (Gate::GroupStep, h | d, h | d),
        (Gate::ResultEnd, h | d, ALL),
        (Gate::StepWeights, ALL, ALL),
        (Gate::StepActs, ALL, ALL),
        (Gate::MulEnd, ALL, ALL),
        (Gate::Absorb, ALL, ALL),
        (Gate::Sbox2, ALL, ALL),
        (Gate::Partial, ALL, ALL),
    ];
    for (name, case) in all() {
        let rows = case.layout().unwrap().rows;
        let mut fixed = 0;
        for row in 0..rows.len() {
            if is_on(&rows, row, Gate::Clear) {
                fixed = ALL;
            }
            let on = table.iter().filter(|(gate, ..)| is_on(&rows, row, *gate));
            let (reads, writes) =
                on.fold((0, 0), |(r, w), (_, reads, writes)| (r | reads, w | writes));
            let reads = if rows.embeds[row] != 0 {
                reads | h
            } else {
                reads
            };
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
            let ends = is_on(&rows, row - 1, Gate::Reduce) && is_on(&rows, row, Gate::Clear);
            assert!(!ends, "{name}: the sum before row {row} is never revealed");
        }
    }
}

/// Freivalds sees only the sum of a packed group: a result that takes 2^41 from its neighbour passes it, and is refused
/// where it is rescaled.
#[test]
fn packed_results_do_not_borrow_from_each_other() {
    let case = super::ops::packed_case();
    let mut layout = case.layout().unwrap();
    let steps = [Gate::GroupStart, Gate::GroupStep];
    let on = |row: usize| steps.iter().any(|&g| is_on(&layout.rows, row, g));
    let rows: Vec<usize> = (1..layout.rows.len())
        .filter(|&row| is_on(&layout.rows, row, Gate::GroupStep) && on(row - 1))
        .collect();
    assert!(rows.len() > 20);
    let checker = Checker::new();
    let honest = layout.run_state(&checker.challenges());
    for row in rows {
        let carry = Fr::from(2).pow([crate::gates::GROUP_BITS as u64]);
        layout.rows.b[row - 1] -= Fr::ONE;
        layout.rows.b[row] += carry;
        let forged = layout.run_state(&checker.challenges());
        for (honest, forged) in honest.iter().zip(&forged) {
            assert_eq!(
                honest[row + 1],
                forged[row + 1],
                "the group's sum is the same"
            );
        }
        let verdict = checker.check_from(&layout, case.instances(), row);
        let refused = matches!(&verdict, Err(Refusal::Gate { name, row: at }) if name.starts_with("Narrow") && *at == row);
        assert!(refused, "{verdict:?}");
        layout.rows.b[row - 1] += Fr::ONE;
        layout.rows.b[row] -= carry;
    }
}

#[test]
fn weights_are_packed_only_where_results_cannot_meet() {
    let grouped = |case: Case| {
        let rows = case.layout().unwrap().rows;
        let steps = [Gate::GroupStart, Gate::GroupStep];
        (0..rows.len()).any(|row| steps.iter().any(|&g| is_on(&rows, row, g)))
    };
    assert!(grouped(super::ops::packed_case()));
    assert!(!grouped(super::ops::unpacked_case()));
}
