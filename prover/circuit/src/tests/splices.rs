//! Two honest runs of one program, put together: each part is true, but not of the same values.

use super::checker::{Refusal, check, columns, columns_mut, is_on};
use super::ops::{Case, GATHER_COLS, all, gather_case, gather_with};
use crate::builder::Builder;
use crate::gates::Gate;
use crate::segment::row_marks;
use std::ops::Range;

const A: usize = 0;
const B: usize = 1;

/// Takes cells of phase 0 from another run.
fn graft(into: &mut Builder, from: &Builder, rows: Range<usize>, which: &[usize]) {
    for &column in which {
        let cells = &columns(from)[column][rows.clone()];
        columns_mut(into)[column][rows.clone()].copy_from_slice(cells);
    }
}

fn assert_copy(verdict: Result<(), Refusal>, what: &str) {
    assert!(
        matches!(verdict, Err(Refusal::Copy { .. })),
        "{what}: {verdict:?}"
    );
}

/// A run on one input under the instances of another: each instance is tied to the hash.
#[test]
fn instances_are_tied_to_their_hashes() {
    for (name, case) in all() {
        let (x, other) = (case.layout().unwrap().rows, case.on_other_inputs());
        for row in 0..2 {
            let mut layout = other.layout().unwrap();
            let mut instances = other.instances();
            assert_ne!(instances[row], case.instances()[row]);
            instances[row] = case.instances()[row];
            graft(&mut layout.rows, &x, row..row + 1, &[A]);
            assert_copy(check(&layout, instances), name);
        }
    }
}

/// The commitment opened to one input, the homes filled with another.
#[test]
fn homes_are_tied_to_the_commitment() {
    for (name, case) in all() {
        let (x, other) = (case.layout().unwrap().rows, case.on_other_inputs());
        let boundary = row_marks(&case.program, &case.segment).unwrap()[0];
        let mut layout = other.layout().unwrap();
        graft(&mut layout.rows, &x, 0..1, &[A, B]);
        graft(&mut layout.rows, &x, 2..boundary, &[A, B]);
        let instances = [case.instances()[0], other.instances()[1]];
        assert_copy(check(&layout, instances), name);
    }
}

/// A run on one input up to a mark, then on another: an honest run wired to another input.
#[test]
fn a_splice_between_ops_is_refused() {
    for (name, case) in all() {
        let (x, other) = (case.layout().unwrap().rows, case.on_other_inputs());
        let instances = [case.instances()[0], other.instances()[1]];
        for mark in row_marks(&case.program, &case.segment).unwrap() {
            let mut layout = other.layout().unwrap();
            let every = [0, 1, 2, 3, 4];
            graft(&mut layout.rows, &x, 0..1, &every);
            graft(&mut layout.rows, &x, 2..mark, &every);
            assert_copy(check(&layout, instances), &format!("{name} at {mark}"));
        }
    }
}

fn lookup_row(rows: &Builder) -> impl Iterator<Item = usize> + '_ {
    (0..rows.len()).filter(|&r| rows.embeds[r] != 0 && is_on(rows, r, Gate::ResultEnd))
}

/// Embedded rows of other ids, consistent down to the commitment of the output: refused by the lookup alone.
#[test]
fn another_row_of_an_embedding_is_refused() {
    let case = gather_case();
    let (x, other) = (case.layout().unwrap().rows, case.on_other_inputs());
    let mut layout = other.layout().unwrap();
    let boundary = row_marks(&case.program, &case.segment).unwrap()[0];
    graft(&mut layout.rows, &x, 0..1, &[0, 1, 2, 3, 4]);
    graft(&mut layout.rows, &x, 2..boundary, &[0, 1, 2, 3, 4]);
    let rows: Vec<usize> = lookup_row(&x).collect();
    assert_eq!(rows.len(), 4);
    for &row in &rows {
        layout.rows.y[row] = x.y[row];
    }
    let instances = [case.instances()[0], other.instances()[1]];
    assert_eq!(
        check(&layout, instances),
        Err(Refusal::Lookup { row: rows[0] })
    );
}

/// A run with one value of the table changed, under the key of the true table: first and last places of words, the short
/// last word included.
#[test]
fn another_table_is_refused() {
    let case = gather_case();
    for at in [0, 14, 15, 44, 59, 60, GATHER_COLS - 1] {
        let other = gather_with(Some(3 * GATHER_COLS + at));
        assert_eq!(case.instances()[0], other.instances()[0]);
        let mut layout = case.layout().unwrap();
        let from = other.layout().unwrap().rows;
        graft(&mut layout.rows, &from, 0..from.len(), &[0, 1, 2, 3, 4]);
        let row = lookup_row(&from).nth(2).unwrap();
        let verdict = check(&layout, other.instances());
        assert_eq!(verdict, Err(Refusal::Lookup { row }), "place {at}");
    }
}

/// The two runs of a case differ: else a splice would say nothing.
#[test]
fn other_inputs_are_other_inputs() {
    let differ = |(name, case): &(&str, Case)| {
        let other = case.on_other_inputs();
        assert_eq!(
            check(&other.layout().unwrap(), other.instances()),
            Ok(()),
            "{name}"
        );
        for i in 0..2 {
            assert_ne!(case.instances()[i], other.instances()[i], "{name}");
        }
    };
    all().iter().for_each(differ);
}
