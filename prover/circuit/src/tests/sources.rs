//! Cells that others copy: a constraint at the cell itself says what it holds, so that a lie which all copies follow is
//! refused as well.

use super::checker::{
    Checker, Refusal, cell_mut, check_copies, columns, columns_mut, is_on, number,
};
use super::ops::{Case, all};
use crate::builder::{Builder, Cell, Column};
use crate::gates::Gate;
use crate::layout::Layout;
use crate::segment::row_marks;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_ir::{OpKind, SLOTS_PER_WORD};
use std::collections::HashSet;

/// Why nothing at the cell itself says what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Free {
    /// Home of an input: any 16 bits; the commitment says which.
    Input,
    /// Home of an embedding's output: any 16 bits; the lookup of its row's fingerprint says which.
    Embedding,
    /// Salt of a commitment: the prover's to choose.
    Salt,
    /// Arg-max's choice: any 16 bits; the sum of all of them says which.
    Choice,
    /// Quotient, root or key: any 48 bits; range rows of products with it say which.
    Quotient,
}

fn free(rows: &Builder, boundary: usize, cell: Cell) -> Option<Free> {
    let row = cell.row as usize;
    let idle = rows.gates[row].is_empty();
    let looked_up = rows.tags[row] != 0 || rows.embeds[row] != 0;
    match cell.column {
        _ if looked_up => None,
        Column::Y if row < boundary => Some(Free::Input),
        Column::Y if idle => Some(Free::Embedding),
        Column::Y if is_on(rows, row, Gate::Reduce) => Some(Free::Choice),
        Column::A if row > 0 && rows.tags[row - 1] != 0 => None,
        Column::A if idle => Some(Free::Salt),
        Column::A if is_on(rows, row, Gate::Wide) && !is_on(rows, row, Gate::Reveal) => {
            Some(Free::Quotient)
        }
        _ => None,
    }
}

/// How many of each a case has.
fn expected(case: &Case) -> Vec<(Free, usize)> {
    let count = |kind: fn(&OpKind) -> Option<halocast_ir::TensorId>| -> usize {
        let ids = case.program.ops.iter().filter_map(|op| kind(&op.kind));
        ids.map(|id| case.program.tensor(id).len()).sum()
    };
    let gathered = count(|kind| match kind {
        OpKind::Gather { out, .. } => Some(*out),
        _ => None,
    });
    let chosen = count(|kind| match kind {
        OpKind::ArgMax { x, .. } => Some(*x),
        _ => None,
    });
    let quotients = case.program.ops.iter().map(|op| match &op.kind {
        OpKind::Softmax { x, .. } | OpKind::RmsNorm { x, .. } => case.program.tensor(*x).shape[0],
        OpKind::ArgMax { out, .. } => 2 * case.program.tensor(*out).len(),
        _ => 0,
    });
    vec![
        (Free::Quotient, quotients.sum()),
        (Free::Input, case.program.value_count(&case.program.inputs)),
        (Free::Embedding, gathered),
        (Free::Salt, 2),
        (Free::Choice, chosen),
    ]
}

/// Cells that are copied and copies of nothing, by column and row.
fn sources(rows: &Builder) -> Vec<Cell> {
    let targets: HashSet<Cell> = rows.copies.iter().map(|&(target, _)| target).collect();
    let mut seen = HashSet::new();
    let source = rows.copies.iter().map(|&(_, source)| source);
    source
        .filter(|cell| !targets.contains(cell) && seen.insert(*cell))
        .collect()
}

/// Works Y, R, E of a row out again, where there are any.
fn rescale_anew(rows: &mut Builder, row: usize) {
    let gates = [Gate::NarrowAct, Gate::NarrowFunc, Gate::Wide];
    let gate = gates.into_iter().find(|&gate| is_on(rows, row, gate));
    // What does not fit stays as it is, and is refused.
    let _ = match gate {
        Some(Gate::Wide) => rows.wide(row),
        Some(narrow) => rows.narrow(row, narrow),
        None => return,
    };
}

/// Every such cell changed by one, what its row makes of it worked out anew, copies left aside: a gate or a lookup of its row or the row before refuses. The
/// exceptions are listed, with their reasons, and counted.
#[test]
fn every_copied_cell_is_fixed_where_it_stands() {
    let checker = Checker::new();
    for (name, case) in all() {
        let (mut layout, instances) = (case.layout().unwrap(), case.instances());
        let boundary = row_marks(&case.program, &case.segment).unwrap()[0];
        let mut exceptions = Vec::new();
        for cell in sources(&layout.rows) {
            if let Some(reason) = free(&layout.rows, boundary, cell) {
                exceptions.push(reason);
                continue;
            }
            let (column, row) = (number(cell.column), cell.row as usize);
            let honest = columns(&layout.rows).map(|column| column[row]);
            *cell_mut(&mut layout.rows, column, row) += Fr::ONE;
            if cell.column != Column::Y {
                rescale_anew(&mut layout.rows, row);
            }
            let state = layout.run_state(&checker.challenges());
            let near = row.saturating_sub(1)..row + 1;
            let verdict = checker.check_rows(&layout, instances, &state, near);
            for (column, value) in columns_mut(&mut layout.rows).into_iter().zip(honest) {
                column[row] = value;
            }
            assert!(verdict.is_err(), "{name}: nothing fixes {cell:?}");
        }
        for (reason, count) in expected(&case) {
            let found = exceptions.iter().filter(|&&r| r == reason).count();
            assert_eq!(found, count, "{name}: {reason:?}");
        }
    }
}

/// The home of a boundary value with 2^16 more and its neighbour with one less: the same word, so the same commitment.
/// All copies follow; the range of the home refuses.
#[test]
fn a_word_has_one_reading() {
    let case = super::ops::gather_case();
    let (mut layout, instances) = (case.layout().unwrap(), case.instances());
    let boundary = row_marks(&case.program, &case.segment).unwrap()[0];
    let is_home = |cell: &Cell| free(&layout.rows, boundary, *cell) == Some(Free::Input);
    let homes: Vec<Cell> = sources(&layout.rows).into_iter().filter(is_home).collect();
    assert!(homes.len() > 1 && homes.len() <= SLOTS_PER_WORD);
    let checker = Checker::new();
    for pair in homes.windows(2) {
        let change = |layout: &mut Layout, sign: Fr| {
            add(&mut layout.rows, pair[0], sign * Fr::from(1 << 16));
            add(&mut layout.rows, pair[1], -sign);
        };
        change(&mut layout, Fr::ONE);
        assert_eq!(check_copies(&layout.rows), Ok(()));
        let state = layout.run_state(&checker.challenges());
        let verdict = checker.check_rows(&layout, instances, &state, 0..boundary);
        let row = pair[0].row as usize;
        assert_eq!(verdict, Err(Refusal::Lookup { row }));
        let low = *cell_mut(&mut layout.rows, 2, row) - Fr::from(1 << 16);
        *cell_mut(&mut layout.rows, 2, row) = low;
        let verdict = checker.check_rows(&layout, instances, &state, 0..boundary);
        assert_eq!(verdict, Ok(()), "the range was all that refused");
        *cell_mut(&mut layout.rows, 2, row) = low + Fr::from(1 << 16);
        change(&mut layout, -Fr::ONE);
    }
}

/// Adds to a source and to its copies.
fn add(rows: &mut Builder, source: Cell, value: Fr) {
    let copies = rows.copies.iter().filter(|(_, from)| *from == source);
    let cells: Vec<Cell> = copies.map(|&(to, _)| to).chain([source]).collect();
    for cell in cells {
        *cell_mut(rows, number(cell.column), cell.row as usize) += value;
    }
}
