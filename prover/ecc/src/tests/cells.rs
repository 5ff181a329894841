//! One changed cell: refused, or nothing reads the cell.

use super::{checker::Checker, circuit::outer, layout, random_inputs};
use crate::{
    Layout, Width, Witness,
    block::{Kind, Number, Spot, plain},
    limbs::{CARRY_PIECES, PIECES},
};
use halo2_base::halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

const KINDS: [Kind; 12] = [
    Kind::Constant,
    Kind::Pass,
    Kind::Tangent,
    Kind::Double,
    Kind::Digit,
    Kind::Build,
    Kind::Point,
    Kind::Result,
    Kind::Curve,
    Kind::Spare,
    Kind::Entry,
    Kind::LastEntry,
];

fn has_relation(kind: Kind) -> bool {
    kind.codes()[1] != 0
}

fn is_step(kind: Kind) -> bool {
    matches!(kind, Kind::Double | Kind::Digit | Kind::Build)
}

fn continues(kind: Kind) -> bool {
    is_step(kind) || matches!(kind, Kind::Pass | Kind::Tangent | Kind::Entry)
}

/// Whether something is said about a number of a block.
fn reads_number(kind: Kind, number: Number) -> bool {
    match number {
        Number::Slope => kind != Kind::Constant,
        Number::X => !matches!(kind, Kind::Constant | Kind::Spare),
        Number::First => is_step(kind) || has_relation(kind),
        Number::Second => {
            continues(kind) || matches!(kind, Kind::Point | Kind::Result | Kind::Curve)
        }
    }
}

fn reads_carry(kind: Kind, carry: usize) -> bool {
    match carry {
        0 | 1 => is_step(kind) || has_relation(kind),
        _ => continues(kind),
    }
}

/// Whether something is said about a plain cell, beyond a range that the changed value is in.
fn reads_plain(kind: Kind, cell: usize) -> bool {
    let chord = matches!(kind, Kind::Digit | Kind::Build);
    let entry = matches!(kind, Kind::Point | Kind::Entry | Kind::LastEntry);
    let wide = matches!(kind, Kind::Tangent | Kind::Curve);
    match cell {
        0..plain::Y_LO => kind != Kind::Spare,
        plain::Y_LO | plain::Y_HI => !matches!(kind, Kind::Spare | Kind::Curve),
        plain::SIGN => !matches!(kind, Kind::Constant | Kind::Spare | Kind::Curve),
        plain::DIGIT => kind == Kind::Digit,
        plain::INVERSE => chord || entry,
        plain::HIGH => continues(kind),
        plain::DISTANCE => chord || entry || wide,
        plain::REST => entry || wide || kind == Kind::Constant,
        _ => unreachable!(),
    }
}

fn piece_spots(width: Width) -> Vec<(Spot, Result<Number, usize>)> {
    let numbers = [Number::Slope, Number::X, Number::First, Number::Second];
    let pieces = numbers
        .into_iter()
        .flat_map(|n| (0..PIECES).map(move |i| (width.piece(n, i), Ok(n))));
    let carries =
        (0..4).flat_map(|c| (0..CARRY_PIECES).map(move |i| (width.carry_piece(c, i), Err(c))));
    pieces.chain(carries).collect()
}

struct Run {
    layout: Layout,
    witness: Witness,
    outer: Vec<(crate::Position, Fr)>,
    checker: Checker,
}

impl Run {
    fn refuses(&self, witness: &Witness, block: usize) -> bool {
        let near = block.saturating_sub(1)..block + 1;
        let refusals = self
            .checker
            .refusals_at(&self.layout, witness, &self.outer, near, None);
        !refusals.is_empty()
    }

    fn change_pieces(&self, block: usize, kind: Kind) {
        let width = self.layout.params().width;
        for (spot, owner) in piece_spots(width) {
            let mut witness = self.witness.clone();
            witness.range[spot.column][block * width.rows() + spot.row] ^= 1;
            witness.count(&self.layout);
            let read = match owner {
                Ok(number) => reads_number(kind, number),
                Err(carry) => reads_carry(kind, carry),
            };
            assert_eq!(
                self.refuses(&witness, block),
                read,
                "{kind:?} {owner:?} {spot:?}"
            );
        }
    }

    fn change_plain(&self, block: usize, kind: Kind) {
        let width = self.layout.params().width;
        for cell in 0..crate::block::PLAIN_CELLS {
            let spot = width.plain(cell);
            let mut witness = self.witness.clone();
            witness.plain[spot.column][block * width.rows() + spot.row] += Fr::ONE;
            let read = reads_plain(kind, cell);
            assert_eq!(self.refuses(&witness, block), read, "{kind:?} plain {cell}");
        }
    }
}

#[test]
fn every_cell_of_every_kind_of_block() {
    let layout = layout(Width::W40, &[1]);
    let inputs = random_inputs(&[1], 21);
    let witness = Witness::new(&layout, &inputs).unwrap();
    let outer = outer(&layout, &inputs, witness.results());
    let checker = Checker::new(Width::W40);
    let run = Run {
        layout,
        witness,
        outer,
        checker,
    };
    for kind in KINDS {
        let block = run
            .layout
            .blocks
            .iter()
            .position(|b| b.kind == kind)
            .unwrap();
        run.change_pieces(block, kind);
        run.change_plain(block, kind);
    }
}
