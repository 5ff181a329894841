//! Nested expressions: which intermediate values of the numerator stay on the stack and which get a word of memory.
//!
//! Values are not reduced after an addition: `mulmod` takes any word, and a word holds five times r. [`Tree::bound`] keeps count.

use crate::{
    dag::{Dag, Id},
    program::{Fused, Source},
};
use halo2_base::halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use std::collections::HashMap;

/// Multiples of r that a word holds.
pub(crate) const WORD_BOUND: usize = 5;

/// Words that one statement loads at most before it is cut: what is loaded twice in a statement stays on the stack.
const MAX_LEAVES: usize = 12;

/// Places on the stack that a nested part may take.
const MAX_DEPTH: usize = 6;

/// Gas of storing a value behind the opaque pointer, and of loading it.
const STORE_GAS: usize = 12;
const LOAD_GAS: usize = 6;

/// An expression over operands of type `T`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree<T> {
    Operand(T),
    Negated(Box<Tree<T>>),
    Sum(Box<Tree<T>>, Box<Tree<T>>),
    Product(Box<Tree<T>>, Box<Tree<T>>),
}

impl<T> Tree<T> {
    pub(crate) fn map<U>(&self, f: &mut impl FnMut(&T) -> U) -> Tree<U> {
        match self {
            Self::Operand(t) => Tree::Operand(f(t)),
            Self::Negated(a) => Tree::Negated(a.map(f).into()),
            Self::Sum(a, b) => Tree::Sum(a.map(f).into(), b.map(f).into()),
            Self::Product(a, b) => Tree::Product(a.map(f).into(), b.map(f).into()),
        }
    }

    pub(crate) fn visit<'a>(&'a self, f: &mut impl FnMut(&'a T)) {
        match self {
            Self::Operand(t) => f(t),
            Self::Negated(a) => a.visit(f),
            Self::Sum(a, b) | Self::Product(a, b) => {
                a.visit(f);
                b.visit(f);
            }
        }
    }

    pub(crate) fn operands(&self) -> Vec<T>
    where
        T: Clone,
    {
        let mut all = Vec::new();
        self.visit(&mut |t| all.push(t.clone()));
        all
    }

    /// The value is at most this many times r, if operands are at most what `operand` says.
    pub(crate) fn bound(&self, operand: &impl Fn(&T) -> usize) -> usize {
        match self {
            Self::Operand(t) => operand(t),
            Self::Product(..) | Self::Negated(_) => 1,
            Self::Sum(a, b) => match a.bound(operand) + b.bound(operand) {
                sum if sum <= WORD_BOUND => sum,
                _ => 1, // addmod
            },
        }
    }

    /// Places on the stack while it is computed. Arguments are computed from the last to the first, and the modulus is the last of all.
    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::Operand(_) => 1,
            Self::Negated(a) => a.depth().max(2),
            Self::Sum(a, b) | Self::Product(a, b) => {
                let (low, high) = (a.depth().min(b.depth()), a.depth().max(b.depth()));
                (high + 1).max(low + 2).max(3)
            }
        }
    }

    fn gas(&self) -> usize {
        match self {
            Self::Operand(_) => LOAD_GAS,
            Self::Negated(a) => a.gas() + 6,
            Self::Sum(a, b) => a.gas() + b.gas() + 3,
            Self::Product(a, b) => a.gas() + b.gas() + 11,
        }
    }

    #[cfg(test)]
    pub(crate) fn evaluate(&self, operand: &impl Fn(&T) -> Fr) -> Fr {
        match self {
            Self::Operand(t) => operand(t),
            Self::Negated(a) => -a.evaluate(operand),
            Self::Sum(a, b) => a.evaluate(operand) + b.evaluate(operand),
            Self::Product(a, b) => a.evaluate(operand) * b.evaluate(operand),
        }
    }
}

/// Nested values on the way from instructions to statements.
pub(crate) struct Terms<'a> {
    dag: &'a Dag,
    nested: HashMap<Id, Tree<Source>>,
}

impl<'a> Terms<'a> {
    /// Statements for the first `straight` instructions: a value that is read once is written where it is read, and so is one that is computed
    /// faster than stored and loaded.
    pub(crate) fn nest(dag: &'a Dag, fused: &[Fused], straight: usize) -> Vec<(Id, Tree<Source>)> {
        let mut reads: HashMap<Id, (usize, usize)> = HashMap::new(); // how often, the last time
        for (at, instruction) in fused.iter().enumerate() {
            for id in instruction.sources().iter().filter_map(Source::id) {
                let entry = reads.entry(id).or_default();
                *entry = (entry.0 + 1, at);
            }
        }
        let mut terms = Self {
            dag,
            nested: HashMap::new(),
        };
        let mut statements = Vec::new();
        for instruction in &fused[..straight] {
            let tree = terms.tree(instruction);
            let (count, last) = reads.get(&instruction.to).copied().unwrap_or((0, straight));
            let again = tree.gas() * count.saturating_sub(1);
            let small = tree.operands().len() <= MAX_LEAVES && tree.depth() <= MAX_DEPTH;
            if last < straight && small && again <= STORE_GAS + LOAD_GAS * count {
                terms.nested.insert(instruction.to, tree);
            } else {
                statements.push((instruction.to, tree));
            }
        }
        statements
    }

    fn constant(&self, source: Source) -> Option<Fr> {
        match source {
            Source::Constant(c) => Some(c),
            Source::Node(id) => self.dag.constant_of(id),
        }
    }

    fn term(&self, source: Source) -> Tree<Source> {
        let nested = source.id().and_then(|id| self.nested.get(&id));
        nested.cloned().unwrap_or(Tree::Operand(source))
    }

    fn tree(&self, Fused { a, b, c, .. }: &Fused) -> Tree<Source> {
        let product = match (self.constant(*a), self.constant(*b)) {
            (Some(zero), _) if zero == Fr::ZERO => return self.term(*c),
            (_, Some(one)) if one == Fr::ONE => self.term(*a),
            (_, Some(minus)) if minus == -Fr::ONE => Tree::Negated(self.term(*a).into()),
            _ => Tree::Product(self.term(*a).into(), self.term(*b).into()),
        };
        match self.constant(*c) {
            Some(zero) if zero == Fr::ZERO => product,
            _ => Tree::Sum(self.term(*c).into(), product.into()),
        }
    }
}
