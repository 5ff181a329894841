//! The lookup argument (logUp: U. Haböck, eprint 2022/1530) as ordinary gates: every piece is below 2^17, and a running
//! sum that closes for pieces and table entries together.
//!
//! ```text
//! S′ − S = Σ_pieces 1/(β + a) + Σ_narrow 1/(β + 2a) − m/(β + t) + f        on active rows; S starts and ends at 0
//! ```
//! with f of gate `fraction`. β and α are drawn after a, m and everything in f's tuples. The sum is R₁(β) + R₂(α) for two
//! proper rational functions; if it is 0 identically each is (let the other challenge go to infinity); a value a that is no
//! t has as its coefficient in R₁ the number of times it is looked up, below 2^k·80 < r, so there is none. A narrow cell
//! is looked up as a and as 2a: a < 2^17 and 2a < 2^17 mod r give a < 2^16.

use super::{Cells, Ex, Gates, constant};
use crate::params::Width;

/// A looked-up expression: range column, and whether its double is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lookup {
    pub(crate) column: usize,
    pub(crate) doubled: bool,
}

/// Three lookups share a helper column (degree 5); the last two go into the running sum itself.
#[derive(Clone, Debug)]
pub(crate) struct LookupGroups {
    pub(crate) helpers: Vec<Vec<Lookup>>,
    pub(crate) in_sum: [Lookup; 2],
}

impl LookupGroups {
    pub(crate) fn new(width: Width) -> Self {
        let lookup = |doubled| move |column| Lookup { column, doubled };
        let singles = (0..width.columns()).map(lookup(false));
        let doubles = (width.wide_columns()..width.columns()).map(lookup(true));
        let all: Vec<Lookup> = singles.chain(doubles).collect();
        // The smallest width has six.
        let (rest, last) = all.split_at(all.len() - 2);
        LookupGroups {
            helpers: rest.chunks(3).map(<[_]>::to_vec).collect(),
            in_sum: [last[0], last[1]],
        }
    }

    /// All lookups.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Lookup> {
        self.helpers.iter().flatten().chain(&self.in_sum)
    }
}

/// Gate `logup`: with d_i = β + a_i (a_i a piece or twice one)                                        deg 5
/// (1) each helper:  active·(h·d1·d2·d3 − d2·d3 − d1·d3 − d1·d2) = 0
/// (2) running sum:  active·((S′ − S − Σh − f)·t̂·d1·d2 − t̂·(d1 + d2) + m·d1·d2) = 0,   t̂ = β + t
/// (3) S = 0 where `active` differs from the row before: the first active row and the one after the last.
pub(super) fn configure(gates: &mut Gates<'_>) {
    gates.gate("logup", |cells| {
        let config = cells.config;
        let groups = LookupGroups::new(config.width);
        let active = cells.fixed(config.active, 0);
        let edge = active.clone() - cells.fixed(config.active, -1);
        let [sum, next] = [0, 1].map(|row| cells.advice(config.sum, row));
        let mut step = next - sum.clone() - cells.advice(config.fraction, 0);
        let mut polynomials = vec![];
        for (column, lookups) in config.helpers.iter().zip(&groups.helpers) {
            let helper = cells.advice(*column, 0);
            step = step - helper.clone();
            polynomials.push((
                "logup.helper",
                active.clone() * fractions(cells, helper, lookups),
            ));
        }
        let running = running_sum(cells, step, groups.in_sum);
        polynomials.push(("logup.sum", active * running));
        polynomials.push(("logup.edge", edge * sum));
        polynomials
    });
}

/// `h·Π d_i − Σ_i Π_{j≠i} d_j`: h is the sum of the 1/d_i.
fn fractions(cells: &mut Cells<'_, '_>, helper: Ex, lookups: &[Lookup]) -> Ex {
    let d: Vec<Ex> = lookups.iter().map(|l| denominator(cells, l)).collect();
    let without = |i: usize| {
        let others = (0..d.len()).filter(|j| *j != i).map(|j| d[j].clone());
        others
            .reduce(|product, d| product * d)
            .unwrap_or_else(|| constant(1))
    };
    let all = d.iter().fold(helper, |product, d| product * d.clone());
    (0..d.len()).fold(all, |sum, i| sum - without(i))
}

fn running_sum(cells: &mut Cells<'_, '_>, step: Ex, lookups: [Lookup; 2]) -> Ex {
    let [d1, d2] = lookups.map(|l| denominator(cells, &l));
    let config = cells.config;
    let offered = cells.challenge(config.challenges.beta) + cells.fixed(config.table, 0);
    let multiplicity = cells.advice(config.multiplicity, 0);
    let both = d1.clone() * d2.clone();
    (step * both.clone() - d1 - d2) * offered + multiplicity * both
}

/// β + a or β + 2a.
fn denominator(cells: &mut Cells<'_, '_>, lookup: &Lookup) -> Ex {
    let piece = cells.advice(cells.config.range[lookup.column], 0);
    let factor = if lookup.doubled { 2 } else { 1 };
    cells.challenge(cells.config.challenges.beta) + piece * constant(factor)
}
