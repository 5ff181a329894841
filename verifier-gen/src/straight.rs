//! What is worth unrolling, as Yul: the numerator's first instructions and the sums over the openings. Half the gas of the loops over tables and
//! twice the code, so that it is done as far as a budget of code goes; the rest is left to the loops.
//!
//! An accumulator lives behind a pointer that the optimizer does not know: a store through it makes it forget what memory holds, otherwise it would
//! keep every word that is read twice on the stack, which is too deep for either pipeline.

use crate::{
    expression::Query,
    key::address,
    layout::{Layout, WORD},
    program::{Instruction, LANES, Program},
    shape::Shape,
};

/// Bytes that an unrolled instruction takes, measured, rounded up.
const INSTRUCTION_BYTES: usize = 24;

/// Bytes that an unrolled evaluation takes: its range check and its step of Horner's rule.
const EVALUATION_BYTES: usize = 48;

/// Sets whose openings are unrolled: with many more, via-IR finds no layout of the stack (16 do not compile, 5 do).
const MAX_SETS: usize = 8;

/// How much is unrolled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unrolling {
    /// Instructions of the program, from the first; whole words.
    pub(crate) instructions: usize,
    /// Whether the sums over the openings are.
    pub(crate) openings: bool,
}

impl Unrolling {
    /// The openings first: they gain more by the byte.
    pub(crate) fn within(budget: usize, shape: &Shape, program: &Program) -> Self {
        let openings = EVALUATION_BYTES * shape.evaluations.len();
        let fits = openings <= budget && shape.sets.len() <= MAX_SETS;
        let left = if fits { budget - openings } else { budget };
        let words = left / (INSTRUCTION_BYTES * LANES);
        let instructions = (words * LANES).min(program.instructions.len());
        Self {
            instructions,
            openings: fits,
        }
    }
}

/// `to = a · b + c`, one statement each. `base` is the opaque address of the first temporary.
pub(crate) fn instructions(shape: &Shape, program: &Program, layout: &Layout) -> Vec<String> {
    let load = |operand| format!("mload({:#05x})", address(shape, layout, operand));
    let statement = |instruction: &Instruction| {
        let Instruction { to, a, b, c } = instruction;
        let [a, b, c] = [a, b, c].map(|operand| load(*operand));
        let to = match WORD * to {
            0 => "base".to_owned(),
            offset => format!("add(base, {offset:#05x})"),
        };
        format!("mstore({to}, addmod(mulmod({a}, {b}, r), {c}, r))")
    };
    let unrolled = &program.instructions[..layout.unrolling.instructions];
    unrolled.iter().map(statement).collect()
}

/// The openings of one set.
pub(crate) struct SetCode {
    /// Address of the set's first scalar.
    pub(crate) scalars: String,
    pub(crate) polys: usize,
    /// Address of the table's pointers to the inverses, and their bytes.
    pub(crate) points: String,
    pub(crate) size: usize,
    pub(crate) weights: String,
    pub(crate) sums: Vec<SumCode>,
}

/// `Σ_i μ^i·f_i(x_j)` for one point of a set, by Horner's rule.
pub(crate) struct SumCode {
    pub(crate) coefficient: String,
    pub(crate) steps: Vec<Step>,
}

/// Some steps of Horner's rule, as many as the stack holds: the sum so far, and what is not below r, are behind a pointer.
pub(crate) struct Step {
    pub(crate) sum: String,
    pub(crate) over: String,
}

/// Evaluations in a [`Step`].
const STEP: usize = 4;

impl Step {
    /// The innermost operand is evaluated first (from the right), so that a level of nesting costs two places on the stack.
    fn new(first: bool, evaluations: &[usize]) -> Self {
        let load = |place: usize| format!("mload({place:#05x})");
        let (mut sum, mut rest) = ("mload(hold)".to_owned(), evaluations);
        if let (true, Some((last, others))) = (first, evaluations.split_first()) {
            (sum, rest) = (load(*last), others);
        }
        for &place in rest {
            sum = format!("addmod({}, mulmod(mu, {sum}, r), r)", load(place));
        }
        let mut over = "mload(add(hold, 0x20))".to_owned();
        for &place in evaluations {
            over = format!("or(iszero(lt({}, r)), {over})", load(place));
        }
        Self { sum, over }
    }
}

/// The sums over all openings.
pub(crate) fn openings(shape: &Shape, layout: &Layout) -> Vec<SetCode> {
    let hex = |place: usize| format!("{place:#05x}");
    let (mut scalar, mut weight, mut table) = (0, 0, layout.key.sets.start);
    let mut code = Vec::new();
    for set in &shape.sets {
        let (points, polys) = (set.rotations.len(), set.polys.len());
        let sum = |(index, rotation): (usize, &i32)| {
            let evaluation = |&poly: &usize| layout.query(shape, Query::new(poly, *rotation));
            let all: Vec<usize> = set.polys.iter().rev().filter_map(evaluation).collect();
            let steps = all.chunks(STEP).enumerate();
            SumCode {
                coefficient: hex(layout.coefficients.word(index)),
                steps: steps.map(|(i, step)| Step::new(i == 0, step)).collect(),
            }
        };
        code.push(SetCode {
            scalars: hex(layout.scalars.word(scalar)),
            polys,
            points: hex(table + 4),
            size: 2 * points,
            weights: hex(layout.key.weights.word(weight)),
            sums: set.rotations.iter().enumerate().map(sum).collect(),
        });
        scalar += polys;
        weight += points;
        table += 2 * (2 + points * (1 + polys));
    }
    code
}
