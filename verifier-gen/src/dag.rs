//! The numerator as a graph in which equal subexpressions are one node. Constructors simplify: constants are folded and moved outwards,
//! leaves are added before products, so that `poly + γ` of the permutation argument's two sides becomes one node and a product ends where
//! a fused multiply-add can take it.

use crate::expression::{CommonPolynomial, Expression, Query};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};
use std::collections::HashMap;

/// A value that the verifier has before it evaluates the numerator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Leaf {
    /// An evaluation, from the proof or computed from the public words.
    Query(Query),
    /// A Lagrange polynomial at z.
    Lagrange(i32),
    /// A challenge of the transcript.
    Challenge(usize),
    /// The challenge z.
    Identity,
}

/// Number of a node; children have smaller numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(usize);

impl Id {
    pub(crate) fn at(index: usize) -> Self {
        Self(index)
    }

    pub(crate) fn index(self) -> usize {
        self.0
    }
}

/// One node. There is no subtraction: a − b is a + (−1)·b.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Node {
    Leaf(Leaf),
    Constant(Fr),
    Add(Id, Id),
    /// A constant factor stands on the right.
    Mul(Id, Id),
}

/// Hash-consed nodes.
#[derive(Default)]
pub(crate) struct Dag {
    nodes: Vec<Node>,
    ids: HashMap<Node, Id>,
}

impl Dag {
    /// The graph of an expression, and its root.
    pub(crate) fn of(expression: &Expression) -> (Self, Id) {
        let mut dag = Self::default();
        let root = dag.import(expression);
        (dag, root)
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(crate) fn node(&self, id: Id) -> Node {
        self.nodes[id.0]
    }

    pub(crate) fn constant_of(&self, id: Id) -> Option<Fr> {
        match self.node(id) {
            Node::Constant(c) => Some(c),
            _ => None,
        }
    }

    fn import(&mut self, expression: &Expression) -> Id {
        match expression {
            Expression::Constant(c) => self.constant(*c),
            Expression::CommonPolynomial(CommonPolynomial::Identity) => self.leaf(Leaf::Identity),
            Expression::CommonPolynomial(CommonPolynomial::Lagrange(i)) => {
                self.leaf(Leaf::Lagrange(*i))
            }
            Expression::Polynomial(query) => self.leaf(Leaf::Query(*query)),
            Expression::Challenge(i) => self.leaf(Leaf::Challenge(*i)),
            Expression::Negated(a) => {
                let a = self.import(a);
                self.scaled(a, -Fr::ONE)
            }
            Expression::Sum(a, b) => {
                let (a, b) = (self.import(a), self.import(b));
                self.add(a, b)
            }
            Expression::Product(a, b) => {
                let (a, b) = (self.import(a), self.import(b));
                self.mul(a, b)
            }
            Expression::Scaled(a, c) => {
                let a = self.import(a);
                self.scaled(a, *c)
            }
            Expression::DistributePowers(all, base) => self.horner(all, base),
        }
    }

    fn horner(&mut self, all: &[Expression], base: &Expression) -> Id {
        let Some((first, rest)) = all.split_first() else {
            return self.constant(Fr::ZERO);
        };
        let base = self.import(base);
        let first = self.import(first);
        rest.iter().fold(first, |sum, next| {
            let next = self.import(next);
            let shifted = self.mul(sum, base);
            // Not `add`: its rearrangement would tear the chain apart.
            self.intern(Node::Add(shifted, next))
        })
    }

    fn intern(&mut self, node: Node) -> Id {
        let next = Id(self.nodes.len());
        let id = *self.ids.entry(node).or_insert(next);
        if id == next {
            self.nodes.push(node);
        }
        id
    }

    fn leaf(&mut self, leaf: Leaf) -> Id {
        self.intern(Node::Leaf(leaf))
    }

    fn constant(&mut self, c: Fr) -> Id {
        self.intern(Node::Constant(c))
    }

    fn is_product(&self, id: Id) -> bool {
        matches!(self.node(id), Node::Mul(..))
    }

    fn add(&mut self, a: Id, b: Id) -> Id {
        match (self.constant_of(a), self.constant_of(b)) {
            (Some(x), Some(y)) => return self.constant(x + y),
            (Some(x), None) if x == Fr::ZERO => return b,
            (None, Some(y)) if y == Fr::ZERO => return a,
            _ => {}
        }
        // (x + product) + y = (x + y) + product
        if let (Node::Add(x, m), false) = (self.node(a), self.is_product(b))
            && self.is_product(m)
            && !self.is_product(x)
        {
            let sum = self.add(x, b);
            return self.intern(Node::Add(sum, m));
        }
        // The product on the right, otherwise the older node on the left.
        let swap = match (self.is_product(a), self.is_product(b)) {
            (true, false) => true,
            (false, true) => false,
            _ => a > b,
        };
        let (a, b) = if swap { (b, a) } else { (a, b) };
        self.intern(Node::Add(a, b))
    }

    fn scaled(&mut self, a: Id, c: Fr) -> Id {
        let c = self.constant(c);
        self.mul(a, c)
    }

    fn mul(&mut self, a: Id, b: Id) -> Id {
        match (self.constant_of(a), self.constant_of(b)) {
            (Some(x), Some(y)) => return self.constant(x * y),
            (Some(_), None) => return self.mul(b, a),
            (None, Some(y)) if y == Fr::ONE => return a,
            (None, Some(y)) if y == Fr::ZERO => return b,
            _ => {}
        }
        // Constants outwards: (x·c)·y = (x·y)·c
        for (product, other) in [(a, b), (b, a)] {
            if let Node::Mul(x, c) = self.node(product) {
                match (self.constant_of(c), self.constant_of(other)) {
                    (Some(c), Some(d)) => return self.scaled(x, c * d),
                    (Some(_), None) => {
                        let inner = self.mul(x, other);
                        return self.mul(inner, c);
                    }
                    (None, _) => {}
                }
            }
        }
        let (a, b) = if a > b && self.constant_of(b).is_none() {
            (b, a)
        } else {
            (a, b)
        };
        self.intern(Node::Mul(a, b))
    }

    /// Values of all nodes.
    #[cfg(test)]
    pub(crate) fn values(&self, leaf: impl Fn(Leaf) -> Fr) -> Vec<Fr> {
        let mut values: Vec<Fr> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            values.push(match *node {
                Node::Leaf(l) => leaf(l),
                Node::Constant(c) => c,
                Node::Add(a, b) => values[a.0] + values[b.0],
                Node::Mul(a, b) => values[a.0] * values[b.0],
            });
        }
        values
    }
}

/// A field element as 32 big-endian bytes: a word of the EVM.
pub(crate) fn word(value: impl PrimeField<Repr: AsRef<[u8]>>) -> [u8; 32] {
    let mut word = [0; 32];
    word.copy_from_slice(value.to_repr().as_ref());
    word.reverse();
    word
}
