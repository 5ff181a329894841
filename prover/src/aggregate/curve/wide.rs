//! Our chip behind the seam. Points are six words in the scalar part (limbs of x, halves of y), from which transcripts take
//! native coordinates; curve, canonicity and multiplication are constrained in `halocast-ecc`'s columns, whose cells are
//! copies of these words. So a point that no multiplication takes would be free: [`WideChip::into_jobs`] refuses to end
//! with one.

use super::{PointChip, Pool};
use halo2_base::{
    AssignedValue, Context, QuantumCell,
    gates::{GateChip, GateInstructions},
    halo2_proofs::halo2curves::{
        bn256::{Fr, G1, G1Affine},
        ff::Field,
        group::{Curve, Group},
    },
};
use halocast_ecc::{PointCells, point_values};
use std::{cell::RefCell, collections::HashSet, rc::Rc};

/// Bits of a limb of x, and of the lower half of y.
const LIMB: usize = 68;
const HALF: usize = 2 * LIMB;
/// Bits of the upper limb of x and of the upper half of y, of coordinates below 2^254.
const TOP_LIMB: usize = 254 - 3 * LIMB;
const TOP_HALF: usize = 254 - HALF;
/// Bits of a limb that the chain sees.
const OUT: usize = snark_verifier_sdk::BITS;

/// A point in words.
#[derive(Clone, Debug)]
pub(crate) struct WidePoint {
    id: usize,
    value: G1Affine,
    words: PointCells<AssignedValue<Fr>>,
    native: [AssignedValue<Fr>; 2],
}

/// One multi-scalar multiplication, to be laid out by `halocast-ecc`.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Each scalar, the words of its point, and the point.
    pub(crate) inputs: Vec<(AssignedValue<Fr>, PointCells<AssignedValue<Fr>>, G1Affine)>,
    /// The words of the sum.
    pub(crate) result: PointCells<AssignedValue<Fr>>,
}

/// The chip: writes down what to multiply.
#[derive(Clone, Debug, Default)]
pub(crate) struct WideChip {
    gate: GateChip<Fr>,
    state: Rc<RefCell<State>>,
}

#[derive(Debug, Default)]
struct State {
    jobs: Vec<Job>,
    points: usize,
    unused: HashSet<usize>,
}

impl WideChip {
    /// The multiplications, in order.
    pub(crate) fn into_jobs(self) -> Vec<Job> {
        let state = self.state.take();
        let free = state.unused.len();
        assert_eq!(
            free, 0,
            "{free} points are in no multiplication, so nothing constrains them"
        );
        state.jobs
    }

    /// `checked`: the words are copies of cells that the chip constrains anyway, or constants.
    fn point(
        &self,
        ctx: &mut Context<Fr>,
        value: G1Affine,
        words: [AssignedValue<Fr>; 6],
        checked: bool,
    ) -> WidePoint {
        let [a, b, c, d, lo, hi] = words;
        let x = self.weighted(ctx, &[(a, 0), (b, LIMB), (c, 2 * LIMB), (d, 3 * LIMB)]);
        let y = self.weighted(ctx, &[(lo, 0), (hi, HALF)]);
        let mut state = self.state.borrow_mut();
        state.points += 1;
        let id = state.points;
        if !checked {
            state.unused.insert(id);
        }
        WidePoint {
            id,
            value,
            words: PointCells {
                x: [a, b, c, d],
                y_lo: lo,
                y_hi: hi,
            },
            native: [x, y],
        }
    }

    /// `Σ value · 2^shift`
    fn weighted(
        &self,
        ctx: &mut Context<Fr>,
        terms: &[(AssignedValue<Fr>, usize)],
    ) -> AssignedValue<Fr> {
        let weights = terms.iter().map(|(_, shift)| power(*shift));
        let weights: Vec<_> = weights.map(QuantumCell::Constant).collect();
        self.gate
            .inner_product(ctx, terms.iter().map(|(value, _)| *value), weights)
    }

    /// The lowest `at` bits of a word of `bits` bits, and the others.
    fn split(
        &self,
        ctx: &mut Context<Fr>,
        word: AssignedValue<Fr>,
        bits: usize,
        at: usize,
    ) -> [AssignedValue<Fr>; 2] {
        let all = self.gate.num_to_bits(ctx, word, bits);
        let (low, high) = all.split_at(at);
        [low, high].map(|part| {
            let terms: Vec<_> = part.iter().copied().zip(0..).collect();
            self.weighted(ctx, &terms)
        })
    }
}

fn power(shift: usize) -> Fr {
    Fr::from(2).pow([shift as u64])
}

impl PointChip for WideChip {
    type Point = WidePoint;

    fn gate(&self) -> &GateChip<Fr> {
        &self.gate
    }

    fn assign_point(&self, ctx: &mut Context<Fr>, point: G1Affine) -> WidePoint {
        let words = point_values(&point)
            .all()
            .map(|word| ctx.load_witness(word));
        self.point(ctx, point, words, false)
    }

    fn assign_constant(&self, ctx: &mut Context<Fr>, point: G1Affine) -> WidePoint {
        let words = point_values(&point)
            .all()
            .map(|word| ctx.load_constant(word));
        self.point(ctx, point, words, true)
    }

    fn native_coordinates(&self, point: &WidePoint) -> [AssignedValue<Fr>; 2] {
        point.native
    }

    /// x: 68 | 68 | 68 | 50 bits become 88 | 88 | 78; y: 136 | 118 the same. Words have these lengths by the chip.
    fn limbs(&self, ctx: &mut Context<Fr>, point: &WidePoint) -> Vec<AssignedValue<Fr>> {
        let PointCells { x, y_lo, y_hi } = point.words;
        let cut = OUT - LIMB;
        let [x1_lo, x1_hi] = self.split(ctx, x[1], LIMB, cut);
        let rest = LIMB - cut;
        let [x2_lo, x2_hi] = self.split(ctx, x[2], LIMB, OUT - rest);
        let [y0, y_mid] = self.split(ctx, y_lo, HALF, OUT);
        let [y1_hi, y2] = self.split(ctx, y_hi, TOP_HALF, OUT - (HALF - OUT));
        let left = LIMB - (OUT - rest);
        debug_assert_eq!(left + TOP_LIMB, TOP_HALF - (OUT - (HALF - OUT)));
        vec![
            self.weighted(ctx, &[(x[0], 0), (x1_lo, LIMB)]),
            self.weighted(ctx, &[(x1_hi, 0), (x2_lo, rest)]),
            self.weighted(ctx, &[(x2_hi, 0), (x[3], left)]),
            y0,
            self.weighted(ctx, &[(y_mid, 0), (y1_hi, HALF - OUT)]),
            y2,
        ]
    }

    fn multi_scalar_multiply(
        &self,
        pool: &mut Pool,
        pairs: &[(AssignedValue<Fr>, WidePoint)],
        addend: &WidePoint,
    ) -> WidePoint {
        let ctx = pool.main();
        let one = ctx.load_constant(Fr::ONE);
        let plus = (one, addend.clone());
        let all: Vec<_> = pairs.iter().chain([&plus]).collect();
        let terms = all.iter().map(|(s, p)| p.value * s.value());
        let sum = terms
            .fold(G1::identity(), |sum, term| sum + term)
            .to_affine();
        let words = point_values(&sum).all().map(|word| ctx.load_witness(word));
        let result = self.point(ctx, sum, words, true);
        let mut state = self.state.borrow_mut();
        for (_, point) in &all {
            state.unused.remove(&point.id);
        }
        state.jobs.push(Job {
            inputs: all.iter().map(|(s, p)| (*s, p.words, p.value)).collect(),
            result: result.words,
        });
        result
    }
}
