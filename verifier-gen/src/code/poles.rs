//! What is inverted, all at once, and what is made of the inverses: straight-line versions of the template's loops, and the scalars that lead from
//! one opening set to the next.

use super::{behind, hex, load};
use crate::{
    layout::{Layout, WORD},
    shape::Shape,
};

/// Lines of a run of [`times`] in one block: what the legacy pipeline's stack takes beside the function's variables.
pub(crate) const FACTORS: usize = 8;

/// Range checks in one expression.
pub(super) const CHECKS: usize = 24;

/// z′ − ω^j·z for all rotations j.
pub(crate) fn rotations(layout: &Layout) -> Vec<String> {
    let (poles, powers) = (layout.poles.words(), layout.key.rotations.words());
    let line = |(pole, power)| {
        let value = format!("add(u, mulmod(z, {}, r))", load(power));
        format!("mstore({}, {value})", hex(pole))
    };
    poles.zip(powers).map(line).collect()
}

/// z^n from z.
pub(crate) fn squarings(shape: &Shape) -> Vec<String> {
    vec!["u := mulmod(u, u, r)".to_owned(); shape.k]
}

/// z·ω^−i − 1 for the rows of the Lagrange polynomials.
pub(crate) fn rows(layout: &Layout) -> Vec<String> {
    let first = layout.first_lagrange();
    let poles = layout.poles.words().skip(first);
    let line = |pole| {
        let store = format!("mstore({}, sub(v, 1))", hex(pole));
        [store, "v := mulmod(v, omegaInverse, r)".to_owned()]
    };
    poles.flat_map(line).collect()
}

/// The fraction n / d = Σ x_i / (v_i − 1) over the public words, v_i = z·ω^−i.
pub(crate) fn public_words(shape: &Shape, layout: &Layout) -> Vec<String> {
    let line = |index| {
        let value = load(layout.instances() + WORD * index);
        format!(
            "e := sub(v, 1) n := add(mulmod({value}, d, r), mulmod(n, e, r)) d := mulmod(d, e, r) v := mulmod(v, omegaInverse, r)"
        )
    };
    (0..shape.instances).map(line).collect()
}

/// 1 in `below` if all public words are below r. Apart from the fraction: the optimizer would move the checks to the end and keep all words for them.
pub(crate) fn public_word_checks(shape: &Shape, layout: &Layout) -> Vec<String> {
    let words: Vec<_> = (0..shape.instances)
        .map(|index| load(layout.instances() + WORD * index))
        .collect();
    let check = |part: &[String]| {
        let and = |rest: String, word: &String| format!("and(lt({word}, r), {rest})");
        format!("below := {}", part.iter().fold("below".to_owned(), and))
    };
    words.chunks(CHECKS).map(check).collect()
}

/// Products of the poles before each.
pub(crate) fn prefixes(layout: &Layout) -> Vec<String> {
    let words = layout.poles.words().zip(layout.inverses.words());
    let mut lines = Vec::new();
    for (index, (pole, prefix)) in words.enumerate() {
        if index == 0 {
            lines.push(format!("product := {}", load(pole)));
            continue;
        }
        lines.push(format!("mstore({}, product)", hex(prefix)));
        lines.push(format!("product := mulmod(product, {}, r)", load(pole)));
    }
    lines
}

/// The inverses, from that of the product of all.
pub(crate) fn inverses(layout: &Layout) -> Vec<String> {
    let words: Vec<_> = layout.poles.words().zip(layout.inverses.words()).collect();
    let mut lines = Vec::new();
    for (pole, inverse) in words.iter().skip(1).rev() {
        let value = format!("mulmod(product, {}, r)", load(*inverse));
        lines.push(format!("mstore({}, {value})", hex(*inverse)));
        lines.push(format!("product := mulmod(product, {}, r)", load(*pole)));
    }
    lines.push(format!("mstore({}, product)", hex(words[0].1)));
    lines
}

/// L_i(z), in place of the inverses.
pub(crate) fn lagrange(layout: &Layout) -> Vec<String> {
    let inverses = layout.inverses.words().skip(layout.first_lagrange());
    let line = |inverse| {
        let value = format!("mulmod(factor, {}, r)", load(inverse));
        format!("mstore({}, {value})", hex(inverse))
    };
    inverses.map(line).collect()
}

/// One factor more. The optimizer nests a run of these into one expression; arguments are computed from the last to the first, so with the product
/// behind the factor each keeps one word on the stack (r), not two.
fn times(factor: &str) -> String {
    format!("product := mulmod({factor}, product, r)")
}

/// Z_1(z′), the product over the first set's points.
pub(crate) fn first_product(shape: &Shape, layout: &Layout) -> Vec<String> {
    let mut factors = shape.sets[0].rotations.iter().map(|r| pole(shape, *r));
    let first = factors.next().unwrap_or(0);
    let start = format!("product := {}", load(layout.poles.word(first)));
    let line = |pole| times(&load(layout.poles.word(pole)));
    std::iter::once(start).chain(factors.map(line)).collect()
}

/// γ·Z_s / Z_(s+1) for all sets but the last: what the sum over the later sets is multiplied by when set s is added.
pub(crate) fn steps(shape: &Shape, layout: &Layout) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, pair) in shape.sets.windows(2).enumerate() {
        let only = |set: usize, other: usize| {
            let there = &pair[other].rotations;
            let own = pair[set]
                .rotations
                .iter()
                .filter(move |r| !there.contains(r));
            own.map(|r| pole(shape, *r))
        };
        let up = only(0, 1).map(|pole| layout.poles.word(pole));
        let down = only(1, 0).map(|pole| layout.inverses.word(pole));
        lines.push("product := gamma".to_owned());
        for factor in up.chain(down) {
            lines.push(times(&load(factor)));
        }
        let offset = layout.steps.word(index) - layout.temporaries.start;
        lines.push(format!("mstore({}, product)", behind("hold", offset)));
    }
    lines
}

/// z^−1, z^−2, … as far as a set needs them.
pub(crate) fn z_powers(shape: &Shape, layout: &Layout) -> Vec<String> {
    let sizes = shape.sets.iter().map(|set| set.rotations.len());
    let highest = sizes.max().unwrap_or(1) - 1;
    let mut lines = Vec::new();
    for exponent in 1..=highest {
        if exponent > 1 {
            lines.push(times("zInverse"));
        }
        let needed = |set: &crate::shplonk::QuerySet| set.rotations.len() == exponent + 1;
        if shape.sets.iter().any(needed) {
            let offset = layout.z_powers.word(exponent) - layout.temporaries.start;
            lines.push(format!("mstore({}, product)", behind("hold", offset)));
        }
    }
    lines
}

/// Position of a rotation among the poles.
pub(super) fn pole(shape: &Shape, rotation: i32) -> usize {
    let index = shape.rotations.iter().position(|r| *r == rotation);
    index.expect("the list of rotations is made from the queries")
}
