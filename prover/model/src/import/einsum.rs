//! Einstein sums to one batched matrix product. Every axis letter has a class by where it occurs: batch (both
//! operands and result), row (first and result), column (second and result), contracted (both operands); same-class
//! axes merge by transpose and reshape. A letter of one operand only is summed there first.

use super::ir::{Builder, Id, Op, Result};
use crate::graph::{Dtype, GraphOp};

/// Axis letters of operands and result.
pub(super) struct Letters {
    pub(super) inputs: Vec<Vec<char>>,
    pub(super) output: Vec<char>,
}

/// A value and the letters of its axes.
struct Term {
    id: Id,
    letters: Vec<char>,
}

/// The letters of a product of two terms by class.
struct Classes {
    batch: Vec<char>,
    rows: Vec<char>,
    columns: Vec<char>,
    contracted: Vec<char>,
}

impl Builder {
    pub(super) fn einsum(&mut self, letters: &Letters, inputs: &[Id]) -> Result<Id> {
        let mut terms = Vec::new();
        for (&id, own) in inputs.iter().zip(&letters.inputs) {
            if (1..own.len()).any(|i| own[..i].contains(&own[i])) {
                return Err(self.unsupported("Einsum", "a letter occurs twice in one operand"));
            }
            let others = letters
                .inputs
                .iter()
                .filter(|l| !std::ptr::eq(*l, own))
                .flatten();
            let wanted: Vec<char> = others.chain(&letters.output).copied().collect();
            terms.push(self.sum_out(
                Term {
                    id,
                    letters: own.clone(),
                },
                &wanted,
            )?);
        }
        let result = match <[Term; 2]>::try_from(terms) {
            Ok([a, b]) => self.contract(a, b, &letters.output)?,
            Err(terms) => match <[Term; 1]>::try_from(terms) {
                Ok([only]) => only,
                Err(_) => return Err(self.unsupported("Einsum", "it has more than two operands")),
            },
        };
        self.arrange(result, &letters.output)
    }

    /// Sums the letters away that nobody else has.
    fn sum_out(&mut self, term: Term, wanted: &[char]) -> Result<Term> {
        let axes: Vec<usize> = (0..term.letters.len())
            .filter(|&i| !wanted.contains(&term.letters[i]))
            .collect();
        let id = self.sum(term.id, &axes)?;
        let kept = |i: &usize| !axes.contains(i);
        let shape = (0..term.letters.len())
            .filter(kept)
            .map(|i| self.shape(id)[i])
            .collect();
        let letters = (0..term.letters.len())
            .filter(kept)
            .map(|i| term.letters[i])
            .collect();
        Ok(Term {
            id: self.reshape(id, shape)?,
            letters,
        })
    }

    fn contract(&mut self, a: Term, b: Term, output: &[char]) -> Result<Term> {
        let classes = self.classify(&a, &b, output);
        let size = |term: &Term, c: char, b: &Self| {
            term.letters
                .iter()
                .position(|&l| l == c)
                .map_or(1, |i| b.shape(term.id)[i])
        };
        let sizes = |term: &Term, class: &[char], b: &Self| -> Vec<usize> {
            class.iter().map(|&c| size(term, c, b)).collect()
        };
        let contracted = sizes(&a, &classes.contracted, self);
        let batch_a = sizes(&a, &classes.batch, self);
        let batch_b = sizes(&b, &classes.batch, self);
        let batch: Vec<usize> = batch_a
            .iter()
            .zip(&batch_b)
            .map(|(&x, &y)| x.max(y))
            .collect();
        let fits = |own: &[usize]| own.iter().zip(&batch).all(|(&x, &y)| x == y || x == 1);
        if contracted != sizes(&b, &classes.contracted, self) || !fits(&batch_a) || !fits(&batch_b)
        {
            return Err(self.misfit(&[a.id, b.id]));
        }
        let (rows, columns) = (
            sizes(&a, &classes.rows, self),
            sizes(&b, &classes.columns, self),
        );
        let (m, k, n) = (
            rows.iter().product(),
            contracted.iter().product(),
            columns.iter().product(),
        );
        let left = self.merged(
            a,
            &[&classes.batch, &classes.rows, &classes.contracted],
            [batch_a, vec![m, k]],
        )?;
        let right = self.merged(
            b,
            &[&classes.batch, &classes.contracted, &classes.columns],
            [batch_b, vec![k, n]],
        )?;
        let left = self.without_batch_repeats(left, right);
        let right = self.without_batch_repeats(right, left);
        let shape = [batch.clone(), vec![m, n]].concat();
        let product = self.raw(
            Op::Graph(GraphOp::MatMul),
            &[left, right],
            shape,
            Dtype::Float,
        )?;
        let id = self.reshape(product, [batch, rows, columns].concat())?;
        Ok(Term {
            id,
            letters: [classes.batch, classes.rows, classes.columns].concat(),
        })
    }

    /// An operand before a broadcast that the product does anyway (a key head for several query heads).
    fn without_batch_repeats(&self, x: Id, other: Id) -> Id {
        let Some(GraphOp::Broadcast) = self.graph_op(x) else {
            return x;
        };
        let source = self.operand(x, 0);
        let batch = self.shape(x).len() - 2;
        let implied = (0..self.shape(x).len()).all(|axis| {
            let (from, to) = (self.shape(source)[axis], self.shape(x)[axis]);
            from == to || (axis < batch && self.shape(other)[axis] == to)
        });
        if implied { source } else { x }
    }

    /// Classes in the order of the result. A row axis of length 1 before other rows (a batch of one) counts as batch,
    /// so that the product keeps the operand's rank and needs no reshape.
    fn classify(&self, a: &Term, b: &Term, output: &[char]) -> Classes {
        let both = |c: &char| a.letters.contains(c) && b.letters.contains(c);
        let of = |term: &Term, other: &Term| -> Vec<char> {
            let own = |c: &&char| term.letters.contains(c) && !other.letters.contains(c);
            output.iter().filter(own).copied().collect()
        };
        let (mut rows, mut columns) = (of(a, b), of(b, a));
        let mut batch: Vec<char> = output.iter().filter(|&c| both(c)).copied().collect();
        for (term, class) in [(a, &mut rows), (b, &mut columns)] {
            let single = |c: &char| {
                term.letters
                    .iter()
                    .position(|l| l == c)
                    .is_some_and(|i| self.shape(term.id)[i] == 1)
            };
            while class.len() > 1 && single(&class[0]) {
                batch.push(class.remove(0));
            }
        }
        batch.sort_by_key(|c| output.iter().position(|o| o == c));
        let contracted = a
            .letters
            .iter()
            .filter(|c| both(c) && !output.contains(c))
            .copied()
            .collect();
        Classes {
            batch,
            rows,
            columns,
            contracted,
        }
    }

    /// A term with its axes in the order of the classes, reshaped.
    fn merged(&mut self, term: Term, order: &[&[char]], shape: [Vec<usize>; 2]) -> Result<Id> {
        let place = |c: &char| term.letters.iter().position(|l| l == c);
        let perm = order
            .iter()
            .flat_map(|class| class.iter())
            .filter_map(place)
            .collect();
        let moved = self.transpose(term.id, perm)?;
        self.reshape(moved, shape.concat())
    }

    /// The result's axes in the order of `output`; letters that no operand has are of length 1.
    fn arrange(&mut self, term: Term, output: &[char]) -> Result<Id> {
        let place = |c: &char| term.letters.iter().position(|l| l == c);
        let perm: Vec<usize> = output.iter().filter_map(place).collect();
        let lengths = output
            .iter()
            .map(|c| place(c).map_or(1, |i| self.shape(term.id)[i]))
            .collect();
        let moved = self.transpose(term.id, perm)?;
        self.reshape(moved, lengths)
    }
}
