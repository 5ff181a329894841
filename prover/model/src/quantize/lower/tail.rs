//! Looking ahead: the arithmetic with constants that follows a product or a norm goes into its weights.

use super::super::analysis::len;
use super::super::form::by_column;
use super::super::function::split_affine;
use super::Lowering;
use crate::{GraphOp, ValueId};

/// `value = gain·start + bias`, by column of the last axis.
pub(super) struct Tail {
    /// The last value that can be absorbed.
    pub(super) value: ValueId,
    pub(super) gain: Vec<f64>,
    pub(super) bias: Vec<f64>,
}

/// One step of a tail: the value it gives and its `mul·x + add`, by column.
pub(super) struct Step {
    pub(super) node: usize,
    pub(super) value: ValueId,
    pub(super) mul: Vec<f64>,
    pub(super) add: Vec<f64>,
}

impl Lowering<'_> {
    /// Absorbs all that follows `start` and works by column.
    pub(super) fn absorb_columns(&mut self, start: ValueId, cols: usize) -> Tail {
        let mut tail = Tail {
            value: start,
            gain: vec![1.0; cols],
            bias: vec![0.0; cols],
        };
        while let Some(step) = self.next_step(tail.value, cols) {
            for j in 0..cols {
                tail.gain[j] *= step.mul[j];
                tail.bias[j] = tail.bias[j] * step.mul[j] + step.add[j];
            }
            tail.value = step.value;
            self.absorbed[step.node] = true;
        }
        tail
    }

    /// The single reader of `v`, if it is arithmetic with constants by column (or a reshape that keeps columns).
    pub(super) fn next_step(&self, v: ValueId, cols: usize) -> Option<Step> {
        let index = self.analysis.sole_consumer(v)?;
        let node = &self.graph.nodes[index];
        if len(self.graph, node.output) != len(self.graph, v) {
            return None;
        }
        let step = |mul, add| {
            Some(Step {
                node: index,
                value: node.output,
                mul,
                add,
            })
        };
        let (ones, zeros) = (vec![1.0; cols], vec![0.0; cols]);
        match &node.op {
            GraphOp::Reshape if self.keeps_columns(v, node.output, cols) => step(ones, zeros),
            GraphOp::Unary(chain) => match split_affine(chain) {
                (a, b, []) => step(vec![a; cols], vec![b; cols]),
                _ => None,
            },
            GraphOp::Add | GraphOp::Sub | GraphOp::Mul => {
                let (first, second) = (node.inputs[0], node.inputs[1]);
                let other = if first == v { second } else { first };
                let c = self.constant(other, self.shape(node.output))?;
                let c = by_column(&c, cols)?;
                match &node.op {
                    GraphOp::Mul => step(c, zeros),
                    GraphOp::Add => step(ones, c),
                    _ if first == v => step(ones, c.iter().map(|c| -c).collect()),
                    _ => step(vec![-1.0; cols], c),
                }
            }
            _ => None,
        }
    }

    fn keeps_columns(&self, from: ValueId, to: ValueId, cols: usize) -> bool {
        let last = |v| self.shape(v).last().copied().unwrap_or(1);
        cols == 1 || last(from) == last(to)
    }

    /// The function node that alone reads `v` (also through reshapes, which are then absorbed).
    pub(super) fn function_reader(&mut self, v: ValueId) -> Option<usize> {
        let (mut value, mut passed) = (v, Vec::new());
        loop {
            let index = self.analysis.sole_consumer(value)?;
            let node = &self.graph.nodes[index];
            if self.functions.contains_key(&index) {
                passed
                    .into_iter()
                    .for_each(|i: usize| self.absorbed[i] = true);
                return Some(index);
            }
            if !matches!(node.op, GraphOp::Reshape) {
                return None;
            }
            passed.push(index);
            value = node.output;
        }
    }
}
