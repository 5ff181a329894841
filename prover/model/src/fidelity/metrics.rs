//! Agreement of two versions of a tensor, accumulated over samples.

use serde::{Deserialize, Serialize};

/// How far an integer tensor is from its float original, over all samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Elements compared.
    pub elements: usize,
    /// Cosine between all float and all integer values.
    pub cosine: f64,
    /// The lowest cosine of a sample.
    pub worst_cosine: f64,
    /// Largest absolute error.
    pub max_error: f64,
    /// Mean absolute error.
    pub mean_error: f64,
    /// Root of the mean squared error over root of the mean square.
    pub relative_error: f64,
    /// Largest absolute float value.
    pub max_value: f64,
    /// Share of rows (of the last axis) whose largest element is at the same place, ties to the lowest.
    pub top1: f64,
}

/// Sums over samples.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    /// Length of the last axis.
    row: usize,
    rows: usize,
    same_top: usize,
    elements: usize,
    cosines: Vec<f64>,
    max_error: f64,
    max_value: f64,
    sums: Sums,
}

/// Σxy, Σx², Σy², Σ|x − y|, Σ(x − y)².
type Sums = [f64; 5];

impl Tally {
    /// Nothing compared yet; `row` is the length of the last axis.
    pub(super) fn new(row: usize) -> Self {
        Tally {
            row: row.max(1),
            rows: 0,
            same_top: 0,
            elements: 0,
            cosines: Vec::new(),
            max_error: 0.0,
            max_value: 0.0,
            sums: [0.0; 5],
        }
    }

    /// One more sample.
    pub(super) fn add(&mut self, float: &[f32], integer: &[f64]) {
        let mut sums = [0.0; 5];
        for (&x, &y) in float.iter().zip(integer) {
            let x = f64::from(x);
            let error = (x - y).abs();
            let terms = [x * y, x * x, y * y, error, error * error];
            sums.iter_mut().zip(terms).for_each(|(s, t)| *s += t);
            self.max_error = self.max_error.max(error);
            self.max_value = self.max_value.max(x.abs());
        }
        self.sums.iter_mut().zip(sums).for_each(|(s, t)| *s += t);
        self.elements += float.len();
        for (x, y) in float.chunks(self.row).zip(integer.chunks(self.row)) {
            self.rows += 1;
            self.same_top += usize::from(top(x) == top(y));
        }
        self.cosines.push(cosine(&sums));
    }

    /// The cosine of every sample.
    pub(super) fn cosines(&self) -> &[f64] {
        &self.cosines
    }

    /// The figures.
    pub(super) fn finish(&self) -> Agreement {
        let [_, xx, _, error, squares] = self.sums;
        Agreement {
            elements: self.elements,
            cosine: cosine(&self.sums),
            worst_cosine: self.cosines.iter().fold(1.0, |worst, &c| worst.min(c)),
            max_error: self.max_error,
            mean_error: error / self.elements.max(1) as f64,
            relative_error: (squares / if xx > 0.0 { xx } else { 1.0 }).sqrt(),
            max_value: self.max_value,
            top1: self.same_top as f64 / self.rows.max(1) as f64,
        }
    }
}

/// Two zero vectors agree; one zero vector agrees with nothing.
fn cosine([xy, xx, yy, ..]: &Sums) -> f64 {
    match (*xx > 0.0, *yy > 0.0) {
        (true, true) => xy / (xx * yy).sqrt(),
        (false, false) => 1.0,
        _ => 0.0,
    }
}

/// Lowest index of the largest element.
pub(crate) fn top<T: PartialOrd>(row: &[T]) -> usize {
    let mut best = 0;
    for (i, v) in row.iter().enumerate() {
        if *v > row[best] {
            best = i;
        }
    }
    best
}
