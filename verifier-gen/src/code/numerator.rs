//! The numerator's statements.

use super::{behind, hex};
use crate::{
    key::address,
    layout::{Layout, WORD},
    program::{Operand, Program},
    shape::Shape,
    tree::{Tree, WORD_BOUND},
};
use std::collections::BTreeMap;

/// Words that are read so often that they get a place on the stack.
const PINS: usize = 3;

/// Straight-line code for the statements: words to be pinned, then stores.
pub(crate) struct NumeratorCode {
    pub(crate) pins: Vec<Pin>,
    pub(crate) lines: Vec<String>,
}

/// `let name := mload(address)`
pub(crate) struct Pin {
    pub(crate) name: String,
    pub(crate) address: String,
}

impl NumeratorCode {
    pub(crate) fn new(shape: &Shape, program: &Program, layout: &Layout) -> Self {
        let mut writer = Writer {
            shape,
            layout,
            pinned: pinned(program),
            bounds: vec![1; program.temporaries],
        };
        let mut lines = Vec::new();
        for statement in &program.statements {
            let value = writer.text(&statement.value);
            let to = behind("hold", WORD * statement.to);
            lines.push(format!("mstore({to}, {value})"));
            writer.bounds[statement.to] = writer.bound(&statement.value);
        }
        let pins = writer.pinned.iter().enumerate();
        let pin = |(index, operand): (usize, &Operand)| Pin {
            name: name(index),
            address: hex(address(shape, layout, *operand)),
        };
        let pins = pins.map(pin).collect();
        Self { pins, lines }
    }
}

fn name(index: usize) -> String {
    format!("p{index}")
}

/// The operands that are read most, temporaries excepted: they change.
fn pinned(program: &Program) -> Vec<Operand> {
    let mut reads: BTreeMap<Operand, usize> = BTreeMap::new();
    for statement in &program.statements {
        statement.value.visit(&mut |operand| {
            if !matches!(operand, Operand::Temporary(_)) {
                *reads.entry(*operand).or_default() += 1;
            }
        });
    }
    let mut reads: Vec<_> = reads.into_iter().filter(|(_, count)| *count > 3).collect();
    reads.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    reads.into_iter().take(PINS).map(|(o, _)| o).collect()
}

struct Writer<'a> {
    shape: &'a Shape,
    layout: &'a Layout,
    pinned: Vec<Operand>,
    /// Of the values in the temporaries, in multiples of r.
    bounds: Vec<usize>,
}

impl Writer<'_> {
    /// Everything but a temporary is below r: what comes from outside and is not makes the contract refuse, later.
    fn bound(&self, tree: &Tree<Operand>) -> usize {
        tree.bound(&|operand| match operand {
            Operand::Temporary(t) => self.bounds[*t],
            _ => 1,
        })
    }

    fn text(&self, tree: &Tree<Operand>) -> String {
        match tree {
            Tree::Operand(operand) => match self.pinned.iter().position(|o| o == operand) {
                Some(index) => name(index),
                None => super::load(address(self.shape, self.layout, *operand)),
            },
            Tree::Negated(a) if self.bound(a) == 1 => format!("sub(r, {})", self.text(a)),
            Tree::Negated(a) => format!("sub(r, mod({}, r))", self.text(a)),
            Tree::Product(a, b) => {
                let (a, b) = self.ordered(a, b);
                format!("mulmod({a}, {b}, r)")
            }
            Tree::Sum(a, b) => {
                let fits = self.bound(a) + self.bound(b) <= WORD_BOUND;
                let (a, b) = self.ordered(a, b);
                if fits {
                    format!("add({a}, {b})")
                } else {
                    format!("addmod({a}, {b}, r)")
                }
            }
        }
    }

    /// What needs more of the stack is computed first: it is the last argument.
    fn ordered(&self, a: &Tree<Operand>, b: &Tree<Operand>) -> (String, String) {
        let (a, b) = if a.depth() > b.depth() {
            (b, a)
        } else {
            (a, b)
        };
        (self.text(a), self.text(b))
    }
}
