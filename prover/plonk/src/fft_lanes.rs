//! The transforms of `fft.rs` on eight values at a time: same orders, same results, a fifth of the time and less.
//!
//! From reversed to natural order (decimation in time): blocks of eight first, in whose transforms every lane works on a block of its own;
//! they are turned so that lanes are neighbours, and put together by four, by twiddles that differ from lane to lane. The other way
//! round: blocks are taken apart by four, all of a block with the same twiddles (a block holds a polynomial modulo X^N − c, its quarters
//! those modulo X^(N/4) − r·i^q, r^4 = c), and those of eight at the end in lanes of their own.
//! Only sums without a product in them grow, by 6·p in a stage of four (`lanes/mod.rs` has the bounds): 84·p hold 2^24 values.

#![allow(unsafe_code)] // Calls of functions for machines with these instructions: `LanesFft::new` asks.

use crate::lanes::{Constant, LANES, Lanes, available, transposed};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::{Field, PrimeField};
use std::cell::RefCell;

/// Vectors that a core keeps in its cache.
const CACHED: usize = 1 << 10;
/// Values that the bases of both ways take at a time.
const BASE: usize = LANES * LANES;
const SMALLEST: u32 = 6;
const LARGEST: u32 = 24;

type V = Lanes<Fr>;

thread_local! {
    /// Where a thread transforms.
    static SCRATCH: RefCell<Vec<V>> = const { RefCell::new(Vec::new()) };
}

/// Twiddles of both ways.
#[derive(Debug)]
pub(crate) struct LanesFft {
    n: usize,
    n_inv: Constant<Fr>,
    gather: Gather,
    scatter: Scatter,
}

impl LanesFft {
    /// For a root of unity of order 2^k; none if the machine or the size is not for it.
    pub(crate) fn new(k: u32, omega: Fr) -> Option<Self> {
        if !(SMALLEST..=LARGEST).contains(&k) || !available() {
            return None;
        }
        let inverse = omega.invert().expect("a root of unity");
        // SAFETY: the machine has the instructions.
        let (gather, scatter) = unsafe { (Gather::new(k, omega), Scatter::new(k, inverse)) };
        Some(LanesFft {
            n: 1 << k,
            n_inv: Constant::new(Fr::TWO_INV.pow_vartime([u64::from(k)])),
            gather,
            scatter,
        })
    }

    /// Coefficients, in reversed order, of the polynomial with these values at the powers of ω.
    pub(crate) fn interpolate(&self, values: &[Fr], coefficients: &mut [Fr]) {
        assert!(values.len() == self.n && coefficients.len() == self.n);
        in_scratch(self.n, |scratch| {
            // SAFETY: `new` asked for the instructions.
            unsafe { self.scatter.run(values, &self.n_inv, scratch, coefficients) }
        });
    }

    /// Values at ω^j of the polynomial whose i-th coefficient is the product of the two given, which are in reversed order.
    pub(crate) fn evaluate(&self, coefficients: &[Fr], factors: &[Fr], values: &mut [Fr]) {
        assert!([coefficients, factors].iter().all(|c| c.len() == self.n));
        assert!(values.len() == self.n);
        in_scratch(self.n, |scratch| {
            // SAFETY: `new` asked for the instructions.
            unsafe { self.gather.run(coefficients, factors, scratch, values) }
        });
    }
}

fn in_scratch(n: usize, run: impl FnOnce(&mut [V])) {
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.len() < n / LANES {
            // SAFETY: there is a `LanesFft`, so the machine has the instructions.
            *scratch = vec![unsafe { V::zero() }; n / LANES];
        }
        run(&mut scratch[..n / LANES]);
    });
}

/// Roots of unity of order 8.
#[derive(Debug)]
struct Eighths {
    /// ω_8, i = ω_8², ω_8³.
    powers: [Constant<Fr>; 3],
}

impl Eighths {
    fn new(k: u32, omega: Fr) -> Self {
        let eighth = omega.pow_vartime([1 << (k - 3)]);
        let square = eighth.square();
        Eighths {
            powers: [eighth, square, square * eighth].map(Constant::new),
        }
    }

    /// A transform of four; the last three below 2·p, sums grow by 6·p.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn four(&self, [x0, x1, x2, x3]: [V; 4]) -> [V; 4] {
        let (even, odd) = (x0.plus(x2), x0.minus::<2>(x2));
        let sum = x1.plus(x3);
        let turned = x1.minus::<2>(x3).carried();
        let turned = turned.mul_loose(self.powers[1].lanes());
        [
            even.plus(sum).carried(),
            odd.plus(turned).carried(),
            even.minus::<4>(sum).carried(),
            odd.minus::<2>(turned).carried(),
        ]
    }

    /// A transform of eight; all but the first below 2·p, sums grow by 14·p.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn eight(&self, x: [V; LANES]) -> [V; LANES] {
        let even = self.four([x[0], x[2], x[4], x[6]]);
        let mut odd = self.four([x[1], x[3], x[5], x[7]]);
        for (value, power) in odd[1..].iter_mut().zip(&self.powers) {
            *value = value.times(power);
        }
        let mut out = x;
        for q in 0..4 {
            out[q] = even[q].plus(odd[q]).carried();
            out[q + 4] = match q {
                0 => even[q].minus::<8>(odd[q]),
                _ => even[q].minus::<2>(odd[q]),
            }
            .carried();
        }
        out
    }

    /// The same of values that are multiplied by twiddles before.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn butterfly(&self, x: [V; 4], [w, w2, w3]: [V; 3]) -> [V; 4] {
        self.four([
            x[0],
            x[1].mul_loose(w),
            x[2].mul_loose(w2),
            x[3].mul_loose(w3),
        ])
    }
}

/// Where the i-th of eight stands in reversed order.
const REVERSED: [usize; LANES] = [0, 4, 2, 6, 1, 5, 3, 7];

/// From reversed to natural order.
#[derive(Debug)]
struct Gather {
    roots: Eighths,
    /// ω_16^j, if the first stage behind the blocks of eight is one of two.
    pairs: Option<V>,
    /// Of each stage of four w, w², w³ for w = ω_N^j, by eight j.
    stages: Vec<Vec<[V; 3]>>,
}

impl Gather {
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn new(k: u32, omega: Fr) -> Self {
        let root = |log: u32| omega.pow_vartime([1u64 << (k - log)]);
        let odd = (k - 3) % 2 == 1;
        let first = if odd { 6 } else { 5 };
        let mut stages = Vec::new();
        for log in (first..=k).step_by(2) {
            stages.push(twiddles(root(log), 1 << log));
        }
        Gather {
            roots: Eighths::new(k, omega),
            pairs: odd.then(|| eight_powers(root(4))),
            stages,
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn run(&self, coefficients: &[Fr], factors: &[Fr], scratch: &mut [V], values: &mut [Fr]) {
        let blocks = coefficients
            .chunks_exact(BASE)
            .zip(factors.chunks_exact(BASE));
        for ((c, f), out) in blocks.zip(scratch.chunks_exact_mut(LANES)) {
            out.copy_from_slice(&self.base(c, f));
        }
        if let Some(w) = self.pairs {
            for pair in scratch.chunks_exact_mut(2) {
                let turned = pair[1].mul_loose(w);
                let sum = pair[0].plus(turned).carried();
                pair[1] = pair[0].minus::<2>(turned).carried();
                pair[0] = sum;
            }
        }
        self.join(&self.stages, scratch);
        for (vector, out) in scratch.iter().zip(values.as_chunks_mut().0) {
            vector.store(out);
        }
    }

    /// The transforms of eight blocks of eight.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn base(&self, coefficients: &[Fr], factors: &[Fr]) -> [V; LANES] {
        let mut x = [V::zero(); LANES];
        for (s, x) in x.iter_mut().enumerate() {
            let [mut c, mut f] = [[&Fr::ZERO; LANES]; 2];
            for block in 0..LANES {
                let at = LANES * block + REVERSED[s];
                (c[block], f[block]) = (&coefficients[at], &factors[at]);
            }
            *x = V::gather(c).mul(V::gather_shifted(f));
        }
        turned(self.roots.eight(x))
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn join(&self, stages: &[Vec<[V; 3]>], block: &mut [V]) {
        let Some((last, before)) = stages.split_last() else {
            return;
        };
        if block.len() > CACHED {
            for part in block.chunks_exact_mut(block.len() / 4) {
                self.join(before, part);
            }
        } else {
            for twiddles in before {
                for part in block.chunks_exact_mut(4 * twiddles.len()) {
                    self.stage(twiddles, part);
                }
            }
        }
        self.stage(last, block);
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn stage(&self, twiddles: &[[V; 3]], block: &mut [V]) {
        let [x0, x2, x1, x3] = quarters(block);
        for (j, w) in twiddles.iter().enumerate() {
            let out = self.roots.butterfly([x0[j], x1[j], x2[j], x3[j]], *w);
            [x0[j], x2[j], x1[j], x3[j]] = out;
        }
    }
}

/// From natural to reversed order.
#[derive(Debug)]
struct Scatter {
    roots: Eighths,
    /// Whether the first stage is one of two.
    odd: bool,
    /// r, r², r³ of the b-th block of any stage of four.
    blocks: Vec<[Constant<Fr>; 3]>,
    /// Of eight blocks of eight the first to seventh power of what makes X^8 − c one of X^8 − 1.
    last: Vec<[V; LANES - 1]>,
}

impl Scatter {
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn new(k: u32, omega: Fr) -> Self {
        // ω to the power of b with its k − 3 bits reversed: block b of eight ends in the powers of that and of ω_8.
        let mut powers = vec![Fr::ONE];
        for bit in (0..k - 3).rev() {
            let step = omega.pow_vartime([1u64 << bit]);
            powers.extend_from_within(..);
            let half = powers.len() / 2;
            powers[half..].iter_mut().for_each(|p| *p *= step);
        }
        let odd = (k - 3) % 2 == 1;
        let blocks = powers[..powers.len().div_ceil(4)].iter().map(|p| {
            let r = p.square();
            [r, r.square(), r.square() * r].map(Constant::new)
        });
        let last = powers.as_chunks().0.iter();
        Scatter {
            roots: Eighths::new(k, omega),
            odd,
            blocks: blocks.collect(),
            last: last.map(|eight| powers_of(prepared(eight))).collect(),
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn run(&self, values: &[Fr], factor: &Constant<Fr>, scratch: &mut [V], out: &mut [Fr]) {
        for (from, vector) in values.as_chunks().0.iter().zip(scratch.iter_mut()) {
            *vector = V::load(from).times(factor);
        }
        if self.odd {
            let (low, high) = scratch.split_at_mut(scratch.len() / 2);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (a.plus(*b).carried(), a.minus::<2>(*b).carried());
            }
            let half = scratch.len() / 2;
            for (b, part) in scratch.chunks_exact_mut(half).enumerate() {
                self.part(b, part);
            }
        } else {
            self.part(0, scratch);
        }
        let blocks = scratch.as_chunks().0.iter().zip(&self.last);
        for ((block, powers), out) in blocks.zip(out.chunks_exact_mut(BASE)) {
            self.base(*block, powers, out);
        }
    }

    /// Takes the b-th block of its size apart, down to blocks of eight values.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn part(&self, b: usize, block: &mut [V]) {
        let mut size = block.len();
        if size > CACHED {
            self.stage(b, block);
            for (q, part) in block.chunks_exact_mut(size / 4).enumerate() {
                self.part(4 * b + q, part);
            }
            return;
        }
        let mut first = b;
        while size > 1 {
            for (i, part) in block.chunks_exact_mut(size).enumerate() {
                self.stage(first + i, part);
            }
            (size, first) = (size / 4, 4 * first);
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn stage(&self, b: usize, block: &mut [V]) {
        let [w, w2, w3] = &self.blocks[b];
        let w = [w.lanes(), w2.lanes(), w3.lanes()];
        let [x0, x1, x2, x3] = quarters(block);
        for j in 0..x0.len() {
            let out = self.roots.butterfly([x0[j], x1[j], x2[j], x3[j]], w);
            [x0[j], x2[j], x1[j], x3[j]] = out;
        }
    }

    /// The transforms of eight blocks of eight, stored.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn base(&self, block: [V; LANES], powers: &[V; LANES - 1], out: &mut [Fr]) {
        let mut x = turned(block);
        for (x, power) in x[1..].iter_mut().zip(powers) {
            *x = x.mul(*power);
        }
        let sums = turned(self.roots.eight(x));
        for (vector, out) in sums.iter().zip(out.as_chunks_mut::<LANES>().0) {
            let mut natural = [Fr::ZERO; LANES];
            vector.store(&mut natural);
            for (out, q) in out.iter_mut().zip(REVERSED) {
                *out = natural[q];
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn quarters(block: &mut [V]) -> [&mut [V]; 4] {
    let (low, high) = block.split_at_mut(block.len() / 2);
    let ((x0, x1), (x2, x3)) = (
        low.split_at_mut(low.len() / 2),
        high.split_at_mut(high.len() / 2),
    );
    [x0, x1, x2, x3]
}

/// Blocks in lanes become blocks in vectors, or back: lanes are in the order of `memory::PLACE` before and after.
#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn turned(rows: [V; LANES]) -> [V; LANES] {
    let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
    let [c0, c2, c1, c3, c4, c6, c5, c7] = transposed([r0, r2, r1, r3, r4, r6, r5, r7]);
    [c0, c1, c2, c3, c4, c5, c6, c7]
}

/// Eight values as factors.
#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn prepared(values: &[Fr; LANES]) -> V {
    V::load_shifted(values).reduced()
}

/// 1, w, …, w^7.
#[target_feature(enable = "avx512f,avx512ifma")]
fn eight_powers(w: Fr) -> V {
    prepared(&std::array::from_fn(|i| w.pow_vartime([i as u64])))
}

/// w, w², …, w^7.
#[target_feature(enable = "avx512f,avx512ifma")]
fn powers_of(w: V) -> [V; LANES - 1] {
    let mut power = w;
    std::array::from_fn(|i| {
        if i > 0 {
            power = power.mul(w);
        }
        power
    })
}

/// Of a stage of four with N values, whose root is given.
#[target_feature(enable = "avx512f,avx512ifma")]
fn twiddles(root: Fr, n: usize) -> Vec<[V; 3]> {
    let step = Constant::new(root.pow_vartime([LANES as u64]));
    let mut w = eight_powers(root);
    let mut out = Vec::with_capacity(n / 4 / LANES);
    for _ in 0..n / 4 / LANES {
        let square = w.mul(w);
        out.push([w, square, square.mul(w)]);
        w = w.times(&step);
    }
    out
}
