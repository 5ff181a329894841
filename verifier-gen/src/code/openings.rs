//! SHPLONK at z′: Σ_s γ^s·(Z_1/Z_s)·Σ_i μ^i·Σ_j l_j·f_i(x_j), where l_j = weight_j·z^(1 − points)·Z_s/(z′ − x_j), divided by Z_1. By Horner's rule
//! in γ over the sets, in μ over a set's polynomials.
//!
//! Words behind `hold`: the sum of a set, part of a long sum over μ, and 1 as long as all evaluations are below r.

use super::{
    behind, hex, load,
    poles::{CHECKS, pole},
};
use crate::{
    expression::Query,
    layout::{Layout, WORD},
    shape::Shape,
    shplonk::QuerySet,
    tree::WORD_BOUND,
};

/// Steps of Horner's rule in one expression; each takes a place on the stack.
const STEPS: usize = 7;

/// Lines that leave the sum in the variable `total`.
pub(crate) fn openings(shape: &Shape, layout: &Layout) -> Vec<String> {
    let mut weight = shape.sets.iter().map(set_weights).sum();
    let mut lines = Vec::new();
    for (index, set) in shape.sets.iter().enumerate().rev() {
        weight -= set_weights(set);
        let code = SetCode {
            shape,
            layout,
            set,
            first_weight: weight,
        };
        code.sum(&mut lines);
        lines.push(code.add_to_total(index + 1 == shape.sets.len()));
        code.checks(&mut lines);
    }
    lines
}

fn set_weights(set: &QuerySet) -> usize {
    match set.rotations.len() {
        1 => 0,
        size => size,
    }
}

struct SetCode<'a> {
    shape: &'a Shape,
    layout: &'a Layout,
    set: &'a QuerySet,
    first_weight: usize,
}

impl SetCode<'_> {
    /// Where the values of the set's polynomials at a point are.
    fn evaluations(&self, rotation: i32) -> Vec<usize> {
        let place = |&poly: &usize| self.layout.query(self.shape, Query::new(poly, rotation));
        self.set.polys.iter().filter_map(place).collect()
    }

    /// Σ_j weight_j/(z′ − x_j)·Σ_i μ^i·f_i(x_j), at `hold`.
    fn sum(&self, lines: &mut Vec<String>) {
        let mut bound = 0;
        for (j, &rotation) in self.set.rotations.iter().enumerate() {
            let sum = partial_sums(&self.evaluations(rotation), lines);
            let inverse = load(self.layout.inverses.word(pole(self.shape, rotation)));
            let factor = if self.set.rotations.len() == 1 {
                inverse
            } else {
                let weight = load(self.layout.key.weights.word(self.first_weight + j));
                format!("mulmod({weight}, {inverse}, r)")
            };
            let term = format!("mulmod({factor}, {sum}, r)");
            bound += 1;
            let value = match j {
                0 => term,
                _ if bound <= WORD_BOUND => format!("add(mload(hold), {term})"),
                _ => {
                    bound = 1;
                    format!("addmod(mload(hold), {term}, r)")
                }
            };
            lines.push(format!("mstore(hold, {value})"));
        }
    }

    fn add_to_total(&self, first: bool) -> String {
        let value = match self.set.rotations.len() {
            1 => "mload(hold)".to_owned(),
            size => {
                let power = load(self.layout.z_powers.word(size - 1));
                format!("mulmod(mload(hold), {power}, r)")
            }
        };
        if first {
            return format!("total := {value}");
        }
        format!("total := add({value}, mulmod(total, gamma, r))")
    }

    /// Every evaluation of the proof is below r. (The quotient's value is computed, not read.)
    fn checks(&self, lines: &mut Vec<String>) {
        let all = self.set.rotations.iter().flat_map(|r| self.evaluations(*r));
        let read: Vec<_> = all.filter(|e| *e != self.layout.quotient_value()).collect();
        let flag = behind("hold", 2 * WORD);
        for part in read.chunks(CHECKS) {
            let start = format!("mload({flag})");
            let and = |rest: String, place: &usize| format!("and(lt({}, r), {rest})", load(*place));
            let value = part.iter().fold(start, and);
            lines.push(format!("mstore({flag}, {value})"));
        }
    }
}

/// Σ_i μ^i·f_i: lines for all but the last steps, which are returned as an expression.
fn partial_sums(evaluations: &[usize], lines: &mut Vec<String>) -> String {
    let part = behind("hold", WORD);
    let last = evaluations.len() - 1;
    let mut sum = load(evaluations[last]);
    for (done, &place) in evaluations[..last].iter().rev().enumerate() {
        if done > 0 && done % STEPS == 0 {
            lines.push(format!("mstore({part}, {sum})"));
            sum = format!("mload({part})");
        }
        sum = format!("add(mload({}), mulmod(mu, {sum}, r))", hex(place));
    }
    sum
}
