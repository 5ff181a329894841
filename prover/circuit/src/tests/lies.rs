//! Every advice cell of every gadget changed: refused, or nothing reads the cell.

use super::checker::{Checker, Refusal, any_on, cell_mut, check, check_copies, is_on, number};
use super::ops::{Case, all};
use crate::builder::Builder;
use crate::gates::Gate;
use crate::layout::Layout;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use std::collections::HashSet;

const A: usize = 0;
const B: usize = 1;
const Y: usize = 2;

/// Whether a gate that is on at the row says something about the cell.
fn is_read(rows: &Builder, row: usize, column: usize) -> bool {
    let any = |gates: &[Gate]| any_on(rows, row, gates);
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

/// Whether a cell is tied by nothing: no copy, no gate, no lookup of a result.
pub(super) fn is_free(
    rows: &Builder,
    copied: &HashSet<(usize, u32)>,
    column: usize,
    row: usize,
) -> bool {
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

/// Whether a constraint breaks on this row, on the one before or the next, in a copy, or anywhere later.
pub(super) fn is_refused(
    checker: &Checker,
    layout: &Layout,
    instances: [Fr; 2],
    row: usize,
) -> bool {
    let state = layout.run_state(&checker.challenges());
    let first = row.saturating_sub(1);
    let check = |rows| checker.check_rows(layout, instances, &state, rows).is_err();
    let near = (row + 2).min(layout.rows.len());
    check(first..near) || check_copies(&layout.rows).is_err() || check(near..layout.rows.len())
}

fn lies_of(name: &str, case: &Case) {
    let mut layout = case.layout().unwrap();
    let instances = case.instances();
    let copies = layout.rows.copies.iter().flat_map(|&(x, y)| [x, y]);
    let copied: HashSet<(usize, u32)> = copies.map(|c| (number(c.column), c.row)).collect();
    let checker = Checker::new();
    let mut refused = 0;
    for row in 0..layout.rows.len() {
        // The sponge is the same in every case: what is its own is tested in one of them.
        let sponge = any_on(&layout.rows, row, &[Gate::Sbox2, Gate::Partial]);
        let own = if sponge && name != "wiring" { Y } else { A };
        for column in own..5 {
            if is_free(&layout.rows, &copied, column, row) {
                continue;
            }
            *cell_mut(&mut layout.rows, column, row) += Fr::ONE;
            let refused_here = is_refused(&checker, &layout, instances, row);
            *cell_mut(&mut layout.rows, column, row) -= Fr::ONE;
            assert!(
                refused_here,
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
