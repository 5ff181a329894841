//! From steps to cells: quotients and carries, pieces, plain cells.

use super::{batch_invert, steps::Step};
use crate::{
    block::{BLOCK_PIECES, Kind, Number, PLAIN_CELLS, flow, plain, role},
    formulas::{
        Relation, Side, abscissa, abscissa_offset, multiple_of_p, ordinate, ordinate_offset,
        relation, relation_offset,
    },
    integer::Int,
    layout::{Block, Layout},
    limbs::{
        CARRY_OFFSET_BITS, CARRY_PIECE_BITS, CARRY_PIECES, Check, HALF_BITS, NUMBER_BITS,
        PIECE_BITS, PIECES, limbs_of,
    },
    params::Width,
};
use halo2_base::halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use rayon::prelude::*;

/// The cells of a block: pieces of the four numbers, then of the four carries; plain cells.
pub(super) struct Filled {
    pieces: [u32; BLOCK_PIECES],
    plain: [Fr; PLAIN_CELLS],
}

/// Fills all blocks, column by column: pieces, plain cells.
pub(crate) fn fill(layout: &Layout, steps: &[Step]) -> (Vec<Vec<u32>>, Vec<Vec<Fr>>) {
    let blocks = &layout.blocks;
    let mut filled: Vec<Filled> = (0..blocks.len())
        .into_par_iter()
        .map(|i| fill_block(&blocks[i], &steps[i], steps.get(i + 1)))
        .collect();
    show_apart(blocks, &mut filled, steps);
    place(layout.params().width, &filled)
}

/// (x_T − x)·((x_T − x)² − p²) inverted, for additions.
fn show_apart(blocks: &[Block], filled: &mut [Filled], steps: &[Step]) {
    let p = Int::p().to_fr();
    let mut inverses: Vec<Fr> = (0..blocks.len())
        .into_par_iter()
        .map(|i| {
            let d = steps[i].target[0].to_fr() - steps[i].x.to_fr();
            d * (d.square() - p.square())
        })
        .collect();
    batch_invert(&mut inverses);
    for (i, cells) in filled.iter_mut().enumerate() {
        if matches!(blocks[i].kind, Kind::Digit | Kind::Build) {
            let d = steps[i].target[0].to_fr() - steps[i].x.to_fr();
            cells.plain[plain::DISTANCE] = d.square();
            cells.plain[plain::INVERSE] = inverses[i];
        }
    }
}

/// Transposes blocks into columns.
fn place(width: Width, filled: &[Filled]) -> (Vec<Vec<u32>>, Vec<Vec<Fr>>) {
    let rows = filled.len() * width.rows();
    let mut range = vec![vec![0; rows]; width.columns()];
    let mut plain_columns = vec![vec![Fr::ZERO; rows]; width.plain_columns()];
    let spots: Vec<_> = (0..BLOCK_PIECES).map(|i| piece_spot(width, i)).collect();
    for (i, cells) in filled.iter().enumerate() {
        let first = i * width.rows();
        for (spot, piece) in spots.iter().zip(cells.pieces) {
            range[spot.column][first + spot.row] = piece;
        }
        for (cell, value) in cells.plain.iter().enumerate() {
            let spot = width.plain(cell);
            plain_columns[spot.column][first + spot.row] = *value;
        }
    }
    (range, plain_columns)
}

const NUMBERS: [Number; 4] = [Number::Slope, Number::X, Number::First, Number::Second];

fn piece_spot(width: Width, i: usize) -> crate::block::Spot {
    match i.checked_sub(4 * PIECES) {
        None => width.piece(NUMBERS[i / PIECES], i % PIECES),
        Some(i) => width.carry_piece(i / CARRY_PIECES, i % CARRY_PIECES),
    }
}

fn fill_block(block: &Block, step: &Step, next: Option<&Step>) -> Filled {
    let mut cells = Filled {
        pieces: [0; BLOCK_PIECES],
        plain: [Fr::ZERO; PLAIN_CELLS],
    };
    cells.number(Number::Slope, step.slope);
    cells.number(Number::X, step.x);
    cells.number(Number::Second, step.complement);
    cells.open(block, step);
    // Only the circuit's last block has no next one, and it is a `LastEntry`, which reads none.
    if let Some(next) = next {
        let [flow_code, relation_code, _] = block.kind.codes();
        if flow_code == flow::STEP {
            cells.abscissa(step, next);
        }
        if matches!(flow_code, flow::PASS | flow::STEP) {
            cells.ordinate(step, next);
        }
        if relation_code != 0 {
            cells.relation(block.kind, step, next);
        }
    }
    cells
}

impl Filled {
    fn number(&mut self, number: Number, value: Int) {
        for i in 0..PIECES {
            // The top piece has 16 bits; a quotient's bits above them are in plain cells.
            let bits = PIECE_BITS.min(NUMBER_BITS - PIECE_BITS * i);
            self.pieces[number as usize * PIECES + i] = value.bits(PIECE_BITS * i, bits);
        }
    }

    fn carry(&mut self, number: usize, value: Int) {
        let written = value + Int::power_of_two(CARRY_OFFSET_BITS);
        for i in 0..CARRY_PIECES {
            let at = 4 * PIECES + number * CARRY_PIECES + i;
            self.pieces[at] = written.bits(CARRY_PIECE_BITS * i, CARRY_PIECE_BITS);
        }
    }

    fn carries(&mut self, first: usize, check: &Check<Int>) {
        let u0 = check.lo.shr_signed(HALF_BITS);
        let u1 = (check.hi + u0).shr_signed(HALF_BITS);
        self.carry(first, u0);
        self.carry(first + 1, u1);
    }

    /// The plain cells that do not depend on the next block.
    fn open(&mut self, block: &Block, step: &Step) {
        for (i, limb) in limbs_of(step.target[0]).0.iter().enumerate() {
            self.plain[plain::X + i] = limb.to_fr();
        }
        let y = step.target[1];
        self.plain[plain::Y_LO] = y.low(HALF_BITS).to_fr();
        self.plain[plain::Y_HI] = y.shr(HALF_BITS).to_fr();
        self.plain[plain::SIGN] = Fr::from(step.negate as u64);
        match block.kind.codes()[2] {
            role::DIGIT => self.plain[plain::DIGIT] = step.lookup,
            role::ENTRY => {
                self.plain[plain::WEIGHT] = step.lookup;
                [self.plain[plain::SCALAR], self.plain[plain::REST]] = step.scalar;
            }
            _ => {}
        }
    }

    fn abscissa(&mut self, step: &Step, next: &Step) {
        let [slope, x, target, next] = [step.slope, step.x, step.target[0], next.x].map(limbs_of);
        let check = abscissa(&slope, [&x, &target, &next]);
        let quotient = divided(&check, abscissa_offset());
        self.number(Number::First, quotient);
        let off = multiple_of_p(&limbs_of(quotient), abscissa_offset());
        self.carries(0, &check.minus(off));
    }

    fn ordinate(&mut self, step: &Step, next: &Step) {
        let sides = [step, next].map(|step| Side {
            slope: limbs_of(step.slope),
            target: limbs_of(step.target[0]),
            sign: if step.negate {
                -Int::small(1)
            } else {
                Int::small(1)
            },
            y_lo: step.target[1].low(HALF_BITS),
            y_hi: step.target[1].shr(HALF_BITS),
        });
        let check = ordinate(sides, &limbs_of(next.x));
        let quotient = divided(&check, ordinate_offset());
        self.number(Number::Second, quotient);
        self.plain[plain::HIGH] = quotient.shr(NUMBER_BITS).to_fr();
        let off = multiple_of_p(&limbs_of(quotient), ordinate_offset());
        self.carries(2, &check.minus(off));
    }

    fn relation(&mut self, kind: Kind, step: &Step, next: &Step) {
        let bit = |on| Int::small(on as u64);
        let which = Relation {
            tangent: bit(kind == Kind::Tangent),
            square: bit(matches!(kind, Kind::Point | Kind::Result)),
            curve: bit(kind == Kind::Curve),
        };
        let [x, slope, next_slope] = [step.x, step.slope, next.slope].map(limbs_of);
        let check = relation(&which, &x, &slope, &next_slope);
        let offset = which.curve * relation_offset();
        let quotient = divided(&check, offset);
        self.number(Number::First, quotient);
        if kind == Kind::Tangent || kind == Kind::Curve {
            self.plain[plain::BIT_0] = Fr::from(quotient.bits(NUMBER_BITS, 1) as u64);
            self.plain[plain::BIT_1] = Fr::from(quotient.bits(NUMBER_BITS + 1, 1) as u64);
        }
        let off = multiple_of_p(&limbs_of(quotient), offset);
        self.carries(0, &check.minus(off));
    }
}

/// `V/p + offset`: exact, since p divides V and the result is between 0 and 2^256.
fn divided(check: &Check<Int>, offset: Int) -> Int {
    check.native * Int::p_inverse() + offset
}
