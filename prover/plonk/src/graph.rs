//! The constraints as a graph of terms: equal terms are one node, constants are folded, constraints under one selector are summed
//! before they are multiplied by it.

use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::{ConstraintSystem, Expression};
use std::collections::HashMap;

/// A term; equal terms are one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Constant(Fr),
    Column(usize, i32),
    Add(usize, usize),
    Sub(usize, usize),
    Mul(usize, usize),
}

pub(crate) struct Graph<'a> {
    pub(crate) nodes: Vec<Node>,
    known: HashMap<Node, usize>,
    challenges: &'a [Fr],
    /// Indices of the first advice column and of the instance.
    advice: usize,
    instance: usize,
}

/// Number of constraints of a constraint system's gates.
pub(crate) fn constraints(cs: &ConstraintSystem<Fr>) -> usize {
    cs.gates().iter().map(|g| g.polynomials().len()).sum()
}

impl<'a> Graph<'a> {
    /// No terms yet.
    pub(crate) fn new(cs: &ConstraintSystem<Fr>, challenges: &'a [Fr]) -> Self {
        Graph {
            nodes: Vec::new(),
            known: HashMap::new(),
            challenges,
            advice: cs.num_fixed_columns(),
            instance: cs.num_fixed_columns() + cs.num_advice_columns(),
        }
    }

    /// Σ weight·constraint; a constraint s·p adds weight·p to what s is multiplied by.
    pub(crate) fn sum_of_constraints(
        &mut self,
        cs: &ConstraintSystem<Fr>,
        weights: &[Fr],
    ) -> usize {
        let mut selected: Vec<(usize, usize)> = Vec::new();
        let polys = cs.gates().iter().flat_map(|g| g.polynomials());
        for (poly, weight) in polys.zip(weights) {
            let (selector, poly) = match poly {
                Expression::Product(selector, poly) => (self.term(selector), self.term(poly)),
                other => (self.constant(Fr::ONE), self.term(other)),
            };
            let weight = self.constant(*weight);
            let weighted = self.mul(poly, weight);
            match selected.iter_mut().find(|(s, _)| *s == selector) {
                Some((_, sum)) => *sum = self.add(*sum, weighted),
                None => selected.push((selector, weighted)),
            }
        }
        let mut root = self.constant(Fr::ZERO);
        for (selector, sum) in selected {
            let product = self.mul(selector, sum);
            root = self.add(root, product);
        }
        root
    }

    fn term(&mut self, expression: &Expression<Fr>) -> usize {
        match expression {
            Expression::Constant(c) => self.constant(*c),
            Expression::Selector(_) => unreachable!("keys have their selectors in fixed columns"),
            Expression::Fixed(q) => self.node(Node::Column(q.column_index(), q.rotation().0)),
            Expression::Advice(q) => {
                let column = self.advice + q.column_index();
                self.node(Node::Column(column, q.rotation().0))
            }
            Expression::Instance(q) => {
                let column = self.instance + q.column_index();
                self.node(Node::Column(column, q.rotation().0))
            }
            Expression::Challenge(c) => self.constant(self.challenges[c.index()]),
            Expression::Negated(a) => {
                let (zero, a) = (self.constant(Fr::ZERO), self.term(a));
                self.sub(zero, a)
            }
            Expression::Sum(a, b) => match &**b {
                Expression::Negated(b) => {
                    let (a, b) = (self.term(a), self.term(b));
                    self.sub(a, b)
                }
                b => {
                    let (a, b) = (self.term(a), self.term(b));
                    self.add(a, b)
                }
            },
            Expression::Product(a, b) => {
                let (a, b) = (self.term(a), self.term(b));
                self.mul(a, b)
            }
            Expression::Scaled(a, c) => {
                let (a, c) = (self.term(a), self.constant(*c));
                self.mul(a, c)
            }
        }
    }

    /// A column by its place among all that the program reads, so many rows further.
    pub(crate) fn column(&mut self, place: usize, rotation: i32) -> usize {
        self.node(Node::Column(place, rotation))
    }

    fn node(&mut self, node: Node) -> usize {
        let next = self.nodes.len();
        let index = *self.known.entry(node).or_insert(next);
        if index == next {
            self.nodes.push(node);
        }
        index
    }

    pub(crate) fn constant(&mut self, c: Fr) -> usize {
        self.node(Node::Constant(c))
    }

    fn known_constant(&self, node: usize) -> Option<Fr> {
        match self.nodes[node] {
            Node::Constant(c) => Some(c),
            _ => None,
        }
    }

    pub(crate) fn add(&mut self, a: usize, b: usize) -> usize {
        match (self.known_constant(a), self.known_constant(b)) {
            (Some(x), Some(y)) => self.constant(x + y),
            (Some(x), None) if x == Fr::ZERO => b,
            (None, Some(y)) if y == Fr::ZERO => a,
            _ => self.node(Node::Add(a.min(b), a.max(b))),
        }
    }

    pub(crate) fn sub(&mut self, a: usize, b: usize) -> usize {
        match (self.known_constant(a), self.known_constant(b)) {
            (Some(x), Some(y)) => self.constant(x - y),
            (None, Some(y)) if y == Fr::ZERO => a,
            _ if a == b => self.constant(Fr::ZERO),
            _ => self.node(Node::Sub(a, b)),
        }
    }

    pub(crate) fn mul(&mut self, a: usize, b: usize) -> usize {
        match (self.known_constant(a), self.known_constant(b)) {
            (Some(x), Some(y)) => self.constant(x * y),
            (Some(x), None) | (None, Some(x)) if x == Fr::ZERO => self.constant(Fr::ZERO),
            (Some(x), None) if x == Fr::ONE => b,
            (None, Some(y)) if y == Fr::ONE => a,
            _ => self.node(Node::Mul(a.min(b), a.max(b))),
        }
    }

    pub(crate) fn operands(&self, node: usize) -> Option<(usize, usize)> {
        match self.nodes[node] {
            Node::Add(a, b) | Node::Sub(a, b) | Node::Mul(a, b) => Some((a, b)),
            Node::Constant(_) | Node::Column(..) => None,
        }
    }

    /// Nodes that the root needs, operands first.
    pub(crate) fn order(&self, root: usize) -> Vec<usize> {
        let mut done = vec![false; self.nodes.len()];
        let mut order = Vec::new();
        let mut stack = vec![(root, false)];
        while let Some((node, visited)) = stack.pop() {
            if done[node] {
                continue;
            }
            match (visited, self.operands(node)) {
                (false, Some((a, b))) => stack.extend([(node, true), (b, false), (a, false)]),
                _ => {
                    done[node] = true;
                    order.push(node);
                }
            }
        }
        order
    }
}
