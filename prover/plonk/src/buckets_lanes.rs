//! The buckets of `buckets.rs` with additions eight at a time. Sums are kept as x·2^260 (`lanes`), which is 16·x to halo2curves. The
//! inverses of a batch come from a tree of products, whose multiplications do not wait for each other as those of a chain would.

#![allow(unsafe_code)] // Calls of functions for machines with these instructions: `LanesBuckets::new` asks.

use crate::buckets::{Spread, is_identity, weighted};
use crate::lanes::{LANES, Lanes, available};
use halo2_base::halo2_proofs::halo2curves::bn256::{Fq, G1, G1Affine};
use halo2_base::halo2_proofs::halo2curves::ff::{BatchInvert, Field, PrimeField};
use halo2_base::halo2_proofs::halo2curves::group::Group;
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

/// Additions that share an inversion.
const BATCH: usize = 512;
/// Additions that may wait for the next batch, because their bucket is in this one.
const LATE: usize = BATCH / 4;

type V = Lanes<Fq>;
type Coordinates = [Fq; 2];

/// How coordinates are given: as they are, or as 16·x and 16·y like the sums.
const PLAIN: bool = false;
const SHIFTED: bool = true;

/// One sum of points for each bucket.
pub(crate) struct LanesBuckets {
    sums: Vec<Coordinates>,
    /// Of each bucket the batch in which an addition to it waits.
    state: Vec<u32>,
    batch: u32,
    places: Vec<usize>,
    points: Vec<Coordinates>,
    late: Vec<(usize, Coordinates)>,
    /// What came neither in time nor late, or cannot be added in a batch; empty until there is something.
    rest: Vec<G1>,
    tree: Vec<V>,
}

/// States below the first batch.
const EMPTY: u32 = 0;
const IDLE: u32 = 1;

impl LanesBuckets {
    /// None if the machine has no lanes.
    pub(crate) fn new(count: usize) -> Option<Self> {
        available().then(|| LanesBuckets {
            sums: vec![[Fq::ZERO; 2]; count],
            state: vec![EMPTY; count],
            batch: IDLE + 1,
            places: Vec::with_capacity(BATCH),
            points: Vec::with_capacity(BATCH),
            late: Vec::with_capacity(LATE),
            rest: Vec::new(),
            tree: Vec::new(),
        })
    }

    /// Adds a point to a bucket.
    pub(crate) fn add(&mut self, bucket: usize, point: &G1Affine) {
        if !is_identity(point) {
            self.add_coordinates::<PLAIN>(bucket, [point.x, point.y]);
        }
    }

    /// Σ (digit + 1)·sum of the digit's buckets. The sums stand in rows: sums of rows and of columns take additions that do not wait
    /// for each other, as those of a running sum would.
    pub(crate) fn weighted_sum(mut self, spread: &Spread) -> G1 {
        self.finish::<PLAIN>();
        self.fold(spread);
        let columns = 1usize << spread.digits().ilog2().div_ceil(2);
        let rows = spread.digits() / columns;
        let mut lines = LanesBuckets::new(columns + rows).expect("this machine has lanes");
        for shift in 0..columns {
            // Every row once and every column at most once: none waits for another.
            for row in 0..rows {
                let column = (row + shift) % columns;
                let digit = row * columns + column;
                if self.state[digit] != EMPTY {
                    lines.add_coordinates::<SHIFTED>(column, self.sums[digit]);
                    lines.add_coordinates::<SHIFTED>(columns + row, self.sums[digit]);
                }
            }
            lines.flush::<SHIFTED>();
        }
        lines.finish::<SHIFTED>();
        let weight = |line: usize| match line.checked_sub(columns) {
            None => line + 1,
            Some(row) => row * columns,
        };
        let sums = lines.sums().map(|(line, point)| (weight(line), point));
        let of_lines = lines.rest.iter().enumerate();
        let of_lines = of_lines.map(|(line, point)| (weight(line), *point));
        let rest = self.rest.iter().enumerate();
        let rest = rest.map(|(bucket, point)| (spread.digit(bucket) + 1, *point));
        weighted(sums, of_lines.chain(rest))
    }

    /// Adds the further buckets of every digit to its first: halves to halves, of all digits together.
    fn fold(&mut self, spread: &Spread) {
        let mut len = spread.most_copies();
        while len > 1 {
            let half = len / 2;
            for digit in (0..spread.digits()).filter(|&d| spread.copies(d) >= len) {
                for copy in half..len {
                    let from = spread.bucket(digit, copy);
                    if self.state[from] != EMPTY {
                        let to = spread.bucket(digit, copy - half);
                        self.add_coordinates::<SHIFTED>(to, self.sums[from]);
                    }
                }
            }
            self.finish::<SHIFTED>();
            len = half;
        }
    }

    fn add_coordinates<const S: bool>(&mut self, bucket: usize, point: Coordinates) {
        let state = self.state[bucket];
        if state == EMPTY {
            self.state[bucket] = IDLE;
            self.sums[bucket] = if S { point } else { point.map(sixteen) };
        } else if state != self.batch {
            self.state[bucket] = self.batch;
            // SAFETY: a hint about a reference.
            unsafe { _mm_prefetch::<_MM_HINT_T0>((&raw const self.sums[bucket]).cast()) };
            self.places.push(bucket);
            self.points.push(point);
            if self.places.len() == BATCH {
                self.flush::<S>();
            }
        } else if self.late.len() < LATE {
            self.late.push((bucket, point));
        } else {
            self.set_aside::<S>(bucket, point);
        }
    }

    /// Adds the batch; what is late is in the next one.
    fn flush<const S: bool>(&mut self) {
        // SAFETY: `new` asked for the instructions.
        if !unsafe { self.add_batch::<S>() } {
            for i in 0..self.places.len() {
                self.set_aside::<S>(self.places[i], self.points[i]);
            }
        }
        self.places.clear();
        self.points.clear();
        self.batch += 1;
        for (bucket, point) in std::mem::take(&mut self.late) {
            self.add_coordinates::<S>(bucket, point);
        }
    }

    fn finish<const S: bool>(&mut self) {
        while !(self.places.is_empty() && self.late.is_empty()) {
            self.flush::<S>();
        }
    }

    fn set_aside<const S: bool>(&mut self, bucket: usize, point: Coordinates) {
        if self.rest.is_empty() {
            self.rest = vec![G1::identity(); self.sums.len()];
        }
        self.rest[bucket] += if S { plain(point) } else { affine(point) };
    }

    /// What is not in `rest`.
    fn sums(&self) -> impl Iterator<Item = (usize, G1Affine)> {
        let sums = self.sums.iter().zip(&self.state).enumerate();
        let sums = sums.filter(|(_, (_, state))| **state != EMPTY);
        sums.map(|(bucket, (sum, _))| (bucket, plain(*sum)))
    }

    /// Adds every point to the sum in its place; the places are distinct. Does nothing if two have one x: then there is no chord.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn add_batch<const S: bool>(&mut self) -> bool {
        let vectors = self.places.len().div_ceil(LANES);
        self.tree.clear();
        for i in 0..vectors {
            let [x, _] = self.gather_sums(i);
            let [px, _] = self.gather_points::<S>(i);
            self.tree.push(px.minus::<1>(x).carried());
        }
        if vectors == 0 || !invert(&mut self.tree) {
            return vectors == 0;
        }
        for i in 0..vectors {
            let ([x, y], [px, py]) = (self.gather_sums(i), self.gather_points::<S>(i));
            let slope = py.minus::<1>(y).carried().mul(self.tree[i]);
            let sum = slope.mul(slope).minus::<1>(x).minus::<16>(px).carried();
            let height = slope
                .mul(x.minus::<20>(sum).carried())
                .minus::<1>(y)
                .carried();
            self.store_sums(i, [sum, height]);
        }
        true
    }

    /// The sums of eight additions; behind the last one, its sum again.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn gather_sums(&self, i: usize) -> [V; 2] {
        let last = self.places.len() - 1;
        let [mut x, mut y] = [[&Fq::ZERO; LANES]; 2];
        for lane in 0..LANES {
            [x[lane], y[lane]] = self.sums[self.places[(i * LANES + lane).min(last)]].each_ref();
        }
        [V::gather(x), V::gather(y)]
    }

    /// The points of eight additions; behind the last one, it again.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn gather_points<const S: bool>(&self, i: usize) -> [V; 2] {
        let last = self.points.len() - 1;
        let [mut x, mut y] = [[&Fq::ZERO; LANES]; 2];
        for lane in 0..LANES {
            [x[lane], y[lane]] = self.points[(i * LANES + lane).min(last)].each_ref();
        }
        match S {
            true => [V::gather(x), V::gather(y)],
            false => [V::gather_shifted(x), V::gather_shifted(y)],
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn store_sums(&mut self, i: usize, sums: [V; 2]) {
        let mut coordinates = [[Fq::ZERO; LANES]; 2];
        sums[0].store(&mut coordinates[0]);
        sums[1].store(&mut coordinates[1]);
        let [x, y] = coordinates;
        for (place, (x, y)) in self.places[i * LANES..].iter().zip(x.into_iter().zip(y)) {
            self.sums[*place] = [x, y];
        }
    }
}

/// Inverts every lane of every vector, x·2^260 to its inverse·2^260: products of pairs, of pairs of these, and so on, then back. Does
/// nothing but say so if one is 0.
#[target_feature(enable = "avx512f,avx512ifma")]
fn invert(values: &mut Vec<V>) -> bool {
    let len = values.len();
    let (mut from, mut to) = (0, len);
    let mut levels = vec![(from, to)];
    while to - from > 1 {
        for i in (from..to).step_by(2) {
            let product = match i + 1 < to {
                true => values[i].mul(values[i + 1]),
                false => values[i],
            };
            values.push(product);
        }
        (from, to) = (to, values.len());
        levels.push((from, to));
    }
    let mut root = [Fq::ZERO; LANES];
    values[from].store(&mut root);
    if root.iter().any(|r| bool::from(r.is_zero())) {
        return false;
    }
    // 16·x becomes 16/x.
    root.iter_mut().batch_invert();
    let root = root.map(|r| sixteen(sixteen(r)));
    values[from] = V::load(&root);
    for (from, to) in levels.into_iter().rev().skip(1) {
        for i in (from..to).step_by(2) {
            let above = values[to + (i - from) / 2];
            match i + 1 < to {
                true => {
                    (values[i], values[i + 1]) = (above.mul(values[i + 1]), above.mul(values[i]))
                }
                false => values[i] = above,
            }
        }
    }
    values.truncate(len);
    true
}

fn sixteen(x: Fq) -> Fq {
    x.double().double().double().double()
}

fn affine([x, y]: Coordinates) -> G1Affine {
    G1Affine { x, y }
}

/// From 16·x and 16·y.
fn plain(shifted: Coordinates) -> G1Affine {
    let sixteenth = Fq::TWO_INV.square().square();
    affine(shifted.map(|c| c * sixteenth))
}
