//! A block: one operation on the curve. Its cells, the kinds of block there are, and the codes that switch gates on.
//!
//! A block has 80 range-checked *pieces* (four numbers of 15 and four carries of 5) in `width` columns, and 12 *plain*
//! cells in as few columns as hold them. Pieces of 16 bits are gathered in *narrow* columns, whose every cell is looked up
//! twice (a and 2a), so no selector says where the top pieces are; what room those columns have left is for carries.

use crate::{
    limbs::{CARRY_PIECES, PIECES},
    params::Width,
};

/// Range-checked cells of a block.
pub(crate) const BLOCK_PIECES: usize = 4 * (PIECES + CARRY_PIECES);
/// Plain cells of a block.
pub(crate) const PLAIN_CELLS: usize = 12;

/// The four numbers of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    /// λ: the slope; y where a point is materialised; x² and x in the blocks after it.
    Slope = 0,
    /// x of the accumulator before the step; y in `Curve`.
    X = 1,
    /// Quotient of `abscissa` or `relation`, whose carries are 0 and 1.
    First = 2,
    /// Quotient of `ordinate`, whose carries are 2 and 3; p − 1 − x in `Point`, `Result` and `Curve`.
    Second = 3,
}

/// Plain cells by number. Some have two names for different kinds of block.
pub(crate) mod plain {
    /// First of four limbs of x_T.
    pub(crate) const X: usize = 0;
    /// Lower 136 bits of y_T.
    pub(crate) const Y_LO: usize = 4;
    /// Upper bits of y_T.
    pub(crate) const Y_HI: usize = 5;
    /// 1 if −y_T is added.
    pub(crate) const SIGN: usize = 6;
    /// `Digit`: which multiple is added (up to the sign).
    pub(crate) const DIGIT: usize = 7;
    /// Additions: an inverse that shows x ≠ x_T.
    pub(crate) const INVERSE: usize = 8;
    /// Entries: the sum of ±16^i over the windows that use the entry.
    pub(crate) const WEIGHT: usize = 8;
    /// Bits 254 and 255 of the quotient of `ordinate`.
    pub(crate) const HIGH: usize = 9;
    /// Additions: (x_T − x)².
    pub(crate) const DISTANCE: usize = 10;
    /// Entries: what of the scalar is not yet accounted for; in `Point` the scalar.
    pub(crate) const SCALAR: usize = 10;
    /// Entries: the same after this one.
    pub(crate) const REST: usize = 11;
    /// Tangent, curve: bit 254 of the quotient.
    pub(crate) const BIT_0: usize = 10;
    /// Tangent, curve: bit 255 of the quotient.
    pub(crate) const BIT_1: usize = 11;
    /// First block of the circuit: zero.
    pub(crate) const ZERO: usize = 11;
}

/// What a block does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Holds a constant point in its plain cells.
    Constant,
    /// Materialises the accumulator; acc′ = −acc.
    Pass,
    /// The same, and the next block's λ is the slope of the tangent at acc′.
    Tangent,
    /// acc′ = 2·acc.
    Double,
    /// acc′ = acc ± an entry of a point's table.
    Digit,
    /// acc′ = acc ± a point known from the shape: the table of a point in the making, the end of a chain.
    Build,
    /// An input point, entry 1 of its table. Begins a chain of its own.
    Point,
    /// Materialises the end of a chain.
    Result,
    /// After `Point` and `Result`: the curve's equation.
    Curve,
    /// After `Curve`: has x in the slot of λ.
    Spare,
    /// Materialises an entry of a table; acc′ = −acc.
    Entry,
    /// The same, ending the chain.
    LastEntry,
}

/// Codes of the column `flow`.
pub(crate) mod flow {
    /// Largest code.
    pub(crate) const TOP: u64 = 3;
    /// Materialise, chain ends.
    pub(crate) const STOP: u64 = 1;
    /// Materialise, chain continues with the negative.
    pub(crate) const PASS: u64 = 2;
    /// A chord or a tangent.
    pub(crate) const STEP: u64 = 3;
}

/// Codes of the column `relation`.
pub(crate) mod relation {
    /// Largest code.
    pub(crate) const TOP: u64 = 3;
    /// Tangent at the next block.
    pub(crate) const TANGENT: u64 = 1;
    /// λ′ = x².
    pub(crate) const SQUARE: u64 = 2;
    /// The curve's equation.
    pub(crate) const CURVE: u64 = 3;
}

/// Codes of the column `role`.
pub(crate) mod role {
    /// Largest code.
    pub(crate) const TOP: u64 = 3;
    /// Looks an entry up.
    pub(crate) const DIGIT: u64 = 1;
    /// Offers an entry.
    pub(crate) const ENTRY: u64 = 2;
    /// Adds a point of the shape.
    pub(crate) const BUILD: u64 = 3;
}

impl Kind {
    /// Codes of the columns `flow`, `relation`, `role`.
    pub(crate) const fn codes(self) -> [u64; 3] {
        match self {
            Kind::Constant | Kind::Spare => [0, 0, 0],
            Kind::Pass => [flow::PASS, 0, 0],
            Kind::Tangent => [flow::PASS, relation::TANGENT, 0],
            Kind::Double => [flow::STEP, 0, 0],
            Kind::Digit => [flow::STEP, 0, role::DIGIT],
            Kind::Build => [flow::STEP, 0, role::BUILD],
            Kind::Point => [flow::STOP, relation::SQUARE, role::ENTRY],
            Kind::Result => [flow::STOP, relation::SQUARE, 0],
            Kind::Curve => [0, relation::CURVE, 0],
            Kind::Entry => [flow::PASS, 0, role::ENTRY],
            Kind::LastEntry => [flow::STOP, 0, role::ENTRY],
        }
    }
}

/// A column of its sort and a row counted from the start of the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Spot {
    pub(crate) column: usize,
    pub(crate) row: usize,
}

impl Width {
    fn spot(self, first_column: usize, i: usize) -> Spot {
        Spot {
            column: first_column + i / self.rows(),
            row: i % self.rows(),
        }
    }

    /// Columns with pieces of 16 bits, the last ones of the range-checked.
    pub(crate) const fn narrow_columns(self) -> usize {
        4usize.div_ceil(self.rows())
    }

    pub(crate) const fn wide_columns(self) -> usize {
        self.columns() - self.narrow_columns()
    }

    /// Columns of plain cells.
    pub(crate) const fn plain_columns(self) -> usize {
        PLAIN_CELLS.div_ceil(self.rows())
    }

    /// Piece i of a number. The four numbers lie beside each other, so that few columns are read at other rows than others.
    pub(crate) fn piece(self, number: Number, i: usize) -> Spot {
        if i + 1 == PIECES {
            self.spot(self.wide_columns(), number as usize)
        } else {
            self.spot(0, 4 * i + number as usize)
        }
    }

    /// Piece i of a carry.
    pub(crate) fn carry_piece(self, carry: usize, i: usize) -> Spot {
        let i = carry * CARRY_PIECES + i;
        let in_narrow = self.narrow_columns() * self.rows() - 4;
        if i < in_narrow {
            self.spot(self.wide_columns(), 4 + i)
        } else {
            self.spot(0, 4 * (PIECES - 1) + i - in_narrow)
        }
    }

    /// A plain cell.
    pub(crate) fn plain(self, cell: usize) -> Spot {
        self.spot(0, cell)
    }

    /// Columns of plain cells that take part in copies.
    pub(crate) fn copied_columns(self) -> Vec<usize> {
        let copied = (plain::X..=plain::Y_HI).chain([plain::SCALAR, plain::REST]);
        let mut columns: Vec<_> = copied.map(|cell| self.plain(cell).column).collect();
        columns.dedup();
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_piece_has_its_own_cell() {
        for width in Width::ALL {
            let numbers = [Number::Slope, Number::X, Number::First, Number::Second];
            let pieces = numbers
                .iter()
                .flat_map(|n| (0..PIECES).map(move |i| width.piece(*n, i)));
            let carries =
                (0..4).flat_map(|c| (0..CARRY_PIECES).map(move |i| width.carry_piece(c, i)));
            let spots: HashSet<Spot> = pieces.chain(carries).collect();
            assert_eq!(spots.len(), BLOCK_PIECES);
            assert!(
                spots
                    .iter()
                    .all(|s| s.column < width.columns() && s.row < width.rows())
            );
            for number in numbers {
                let tops =
                    (0..PIECES).filter(|i| width.piece(number, *i).column >= width.wide_columns());
                assert_eq!(tops.collect::<Vec<_>>(), [PIECES - 1]);
            }
        }
    }

    #[test]
    fn every_kind_has_its_own_codes() {
        use Kind::*;
        let kinds = [
            Pass, Tangent, Double, Digit, Build, Point, Result, Curve, Entry, LastEntry,
        ];
        let codes: HashSet<_> = kinds.iter().map(|k| k.codes()).collect();
        assert_eq!(codes.len(), kinds.len());
        assert_eq!(Constant.codes(), [0; 3]);
    }
}
