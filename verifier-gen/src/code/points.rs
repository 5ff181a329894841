//! The multi-scalar multiplication: lhs = Σ_s γ^s·(Z_1/Z_s)·Σ_i μ^i·C_(s,i) − Z_1·W + z′·W′ − Σ·G1 + fold·left, by Horner's rule: a set's sum is
//! multiplied by μ and the next commitment added, so that the multiplier stays where it is and no point is copied.
//!
//! `ecMul` takes the sum at 0x00 and the multiplier behind it; the product goes beside the next point, over a point that has been used, so that
//! `ecAdd` finds the two together. The sum over the sets done so far waits at 0x80.

use super::{hex, load};
use crate::{
    layout::{Layout, POINT, WORD},
    shape::Shape,
    shplonk::QuerySet,
};

const SUM: usize = 0x00;
const MULTIPLIER: usize = 0x40;
const OTHER_SETS: usize = 0x80;

/// Points in a row that are worth a loop.
const MIN_RUN: usize = 3;

/// Lines that leave lhs and rhs in the input of the pairing. `straight` says whether loops are unrolled.
pub(crate) fn points(shape: &Shape, layout: &Layout, straight: bool) -> Vec<String> {
    let mut code = Points {
        shape,
        layout,
        straight,
        live: live_points(shape, layout),
        lines: Vec::new(),
        run: Vec::new(),
    };
    code.quotient();
    for index in (0..shape.sets.len()).rev() {
        code.set(index);
    }
    code.others();
    code.right();
    code.lines
}

struct Points<'a> {
    shape: &'a Shape,
    layout: &'a Layout,
    straight: bool,
    /// Where points that have not been used are.
    live: Vec<usize>,
    lines: Vec<String>,
    /// Points waiting to be written as a loop.
    run: Vec<usize>,
}

/// All points that are read.
fn live_points(shape: &Shape, layout: &Layout) -> Vec<usize> {
    let key = (0..shape.preprocessed.len()).map(|poly| layout.commitment(shape, poly));
    let proof = (0..shape.points() + 2).map(|index| layout.proof_point(index));
    key.chain(proof).collect()
}

impl Points<'_> {
    fn line(&mut self, line: String) {
        self.flush();
        self.lines.push(line);
    }

    fn check(&mut self) {
        self.line("if iszero(ok) { refusePoints() } // CHECK: curve".to_owned());
    }

    fn used(&mut self, point: usize) {
        self.live.retain(|p| *p != point);
    }

    /// Whether a product may be written here: no point that is still needed, none of the words before and behind the tables.
    fn is_free(&self, start: usize) -> bool {
        let layout = self.layout;
        let last = layout.w();
        let inside = start >= layout.key.commitments.start && start + POINT <= last;
        let overlaps = |point: &usize| *point < start + POINT && start < point + POINT;
        inside && !self.live.iter().any(overlaps)
    }

    /// sum = multiplier·sum + point, the result at `to`.
    fn step(&mut self, from: usize, point: usize, to: usize) {
        self.used(point);
        let above = point + POINT;
        if self.is_free(above) {
            if !self.straight && from == SUM && to == SUM {
                return self.push_run(point);
            }
            self.line(step(from, above, point, to));
        } else if self.is_free(point - POINT) {
            self.line(step(from, point - POINT, point - POINT, to));
        } else {
            // Beside the poles, which nobody reads any more.
            let copy = self.layout.poles.start;
            self.line(format!("mcopy({}, {}, 0x40)", hex(copy), hex(point)));
            self.line(step(from, copy + POINT, copy, to));
        }
    }

    fn push_run(&mut self, point: usize) {
        if self.run.last().is_some_and(|last| *last != point + POINT) {
            self.flush();
        }
        self.run.push(point);
    }

    /// Writes the points that wait.
    fn flush(&mut self) {
        let run = std::mem::take(&mut self.run);
        match run[..] {
            [] => {}
            [first, .., last] if run.len() >= MIN_RUN => {
                let (from, end) = (hex(first), hex(last - 1));
                self.lines.push(format!("for {{ let point := {from} }} gt(point, {end}) {{ point := sub(point, 0x40) }} {{ ok := addPoint(point, ok) }}"));
            }
            _ => {
                let lines = run.iter().map(|p| step(SUM, p + POINT, *p, SUM));
                self.lines.extend(lines);
            }
        }
    }

    fn multiplier(&mut self, at: usize, value: String) {
        self.line(format!("mstore({}, {value})", hex(at)));
    }

    /// Sum by Horner's rule of points, first to last, multiplier in place; the result at `to`.
    fn horner(&mut self, points: &[usize], to: usize) {
        let (first, rest) = (points[0], &points[1..]);
        let start = if rest.is_empty() { to } else { SUM };
        self.line(format!("mcopy({}, {}, 0x40)", hex(start), hex(first)));
        self.used(first);
        for (index, point) in rest.iter().enumerate() {
            let last = index + 1 == rest.len();
            self.step(SUM, *point, if last { to } else { SUM });
        }
    }

    /// The quotient's commitment Σ z^(n·i)·H_i, in place of H_0.
    fn quotient(&mut self) {
        let first = self
            .layout
            .commitment(self.shape, self.shape.quotient_poly());
        let chunks: Vec<_> = (0..self.shape.chunks)
            .rev()
            .map(|i| first + POINT * i)
            .collect();
        if chunks.len() > 1 {
            self.line("// The quotient's chunks.".to_owned());
            self.multiplier(MULTIPLIER, load(self.layout.values.word(0)));
            self.horner(&chunks, first);
            self.live.push(first);
        }
    }

    fn set(&mut self, index: usize) {
        let (first, last) = (index == 0, index + 1 == self.shape.sets.len());
        let QuerySet { polys, .. } = &self.shape.sets[index];
        let points = polys.iter().rev();
        let points: Vec<_> = points
            .map(|p| self.layout.commitment(self.shape, *p))
            .collect();
        let to = if first { SUM } else { OTHER_SETS };
        self.line(format!("// Opening set {index}."));
        if !last {
            let step = load(self.layout.steps.word(index));
            self.multiplier(OTHER_SETS + POINT, step);
        }
        if let ([only], false) = (&points[..], last) {
            self.step(OTHER_SETS, *only, to);
        } else {
            let mu = load(self.layout.challenges.word(self.shape.challenges()));
            self.multiplier(MULTIPLIER, mu);
            self.horner(&points, if last { to } else { SUM });
            if !last {
                self.line(step(OTHER_SETS, MULTIPLIER, SUM, to));
            }
        }
        self.check();
    }

    /// −Z_1·W + z′·W′ − Σ·G1, and the exposed left point.
    fn others(&mut self) {
        let layout = self.layout;
        let drawn = self.shape.challenges();
        let minus = |word: usize| format!("sub(r, {})", load(word));
        let mut others = vec![
            (layout.w(), minus(layout.values.word(1))),
            (layout.w_prime(), load(layout.challenges.word(drawn + 2))),
            (layout.key.g1.start, minus(layout.values.word(4))),
        ];
        if self.shape.accumulator.is_some() {
            let fold = load(layout.challenges.word(drawn + 3));
            others.push((layout.exposed.start, fold));
        }
        self.line("// The opening's points and constant, the exposed left point.".to_owned());
        let last = others.len() - 1;
        for (index, (point, scalar)) in others.into_iter().enumerate() {
            let to = if index == last {
                layout.key.head.start
            } else {
                SUM
            };
            self.multiplier(point + POINT, scalar);
            self.line(step(point, MULTIPLIER, SUM, to));
        }
    }

    /// W′, and the exposed right point.
    fn right(&mut self) {
        let (layout, w_prime) = (self.layout, self.layout.w_prime());
        let to = layout.key.domain.start;
        if self.shape.accumulator.is_some() {
            let fold = load(layout.challenges.word(self.shape.challenges() + 3));
            let right = layout.exposed.start + POINT + WORD;
            self.multiplier(right + POINT, fold);
            self.line(step(right, w_prime + POINT, w_prime, to));
        } else {
            self.line(format!("mcopy({}, {}, 0x40)", hex(to), hex(w_prime)));
        }
        self.check();
    }
}

/// `ecMul` of the point and scalar at `from` to `product`, then `ecAdd` of the two points at `pair` to `to`. Gas is capped: a precompile burns all it gets
/// when it refuses its input.
fn step(from: usize, product: usize, pair: usize, to: usize) -> String {
    let call = |precompile: usize, from, size: &str, to| {
        let (from, to) = (hex(from), hex(to));
        format!(
            "and(eq(returndatasize(), 0x40), staticcall(50000, {precompile}, {from}, {size}, {to}, 0x40))"
        )
    };
    let multiply = call(7, from, "0x60", product);
    let add = call(6, pair, "0x80", to);
    format!("ok := and({add}, and({multiply}, ok))")
}
