//! Gates as one straight-line program, evaluated on blocks of rows: what an instruction costs beside its arithmetic is shared by a
//! block, equal terms are computed once, and constraints under the same selector are summed before they are multiplied by it.

use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::{ConstraintSystem, Expression};
use std::collections::HashMap;

/// Rows of a block: registers stay in the cache.
pub(crate) const BLOCK: usize = 64;

/// Where an instruction reads.
#[derive(Clone, Copy, Debug)]
enum Operand {
    Register(usize),
    /// A column, so many rows further.
    Column(usize, i32),
    Constant(Fr),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Add,
    Sub,
    Mul,
}

#[derive(Clone, Copy, Debug)]
struct Instruction {
    kind: Kind,
    a: Operand,
    b: Operand,
    out: usize,
}

/// The program of Σ weight·constraint.
#[derive(Debug)]
pub(crate) struct Tape {
    instructions: Vec<Instruction>,
    registers: usize,
    result: Operand,
}

/// The columns on a coset: fixed, then advice, then the instance.
pub(crate) struct Columns<'a> {
    pub(crate) all: Vec<&'a [Fr]>,
}

/// What a thread needs to run a tape.
pub(crate) struct Scratch {
    registers: Vec<Vec<Fr>>,
    wrapped: [Vec<Fr>; 2],
}

impl Tape {
    /// For the gates of a constraint system, given the challenges; the i-th constraint has the i-th weight.
    pub(crate) fn new(cs: &ConstraintSystem<Fr>, challenges: &[Fr], weights: &[Fr]) -> Self {
        let mut graph = Graph {
            nodes: Vec::new(),
            known: HashMap::new(),
            challenges,
            advice: cs.num_fixed_columns(),
            instance: cs.num_fixed_columns() + cs.num_advice_columns(),
        };
        let root = graph.sum_of_constraints(cs, weights);
        Tape::of(&graph, root)
    }

    /// Number of constraints of a constraint system.
    pub(crate) fn constraints(cs: &ConstraintSystem<Fr>) -> usize {
        cs.gates().iter().map(|g| g.polynomials().len()).sum()
    }

    pub(crate) fn scratch(&self) -> Scratch {
        Scratch {
            registers: vec![vec![Fr::ZERO; BLOCK]; self.registers],
            wrapped: [(); 2].map(|()| vec![Fr::ZERO; BLOCK]),
        }
    }

    /// Writes the values of the rows from `start` on, a block at most.
    pub(crate) fn run(
        &self,
        columns: &Columns<'_>,
        start: usize,
        scratch: &mut Scratch,
        out: &mut [Fr],
    ) {
        let Scratch { registers, wrapped } = scratch;
        let [wrap_a, wrap_b] = wrapped;
        let len = out.len();
        for i in &self.instructions {
            let mut target = std::mem::take(&mut registers[i.out]);
            let a = read(i.a, columns, registers, start, len, wrap_a);
            let b = read(i.b, columns, registers, start, len, wrap_b);
            match i.kind {
                Kind::Add => apply(&mut target, a, b, |a, b| *a + b),
                Kind::Sub => apply(&mut target, a, b, |a, b| *a - b),
                Kind::Mul => apply(&mut target, a, b, |a, b| *a * b),
            }
            registers[i.out] = target;
        }
        match read(self.result, columns, registers, start, len, wrap_a) {
            Values::Many(values) => out.copy_from_slice(values),
            Values::One(value) => out.fill(value),
        }
    }

    /// Instructions in an order that needs few registers; a register is free after its last use.
    fn of(graph: &Graph<'_>, root: usize) -> Self {
        let order = graph.order(root);
        let mut uses = vec![0usize; graph.nodes.len()];
        for (a, b) in order.iter().filter_map(|&n| graph.operands(n)) {
            uses[a] += 1;
            uses[b] += 1;
        }
        uses[root] += 1;
        let mut place: HashMap<usize, usize> = HashMap::new();
        let (mut free, mut registers, mut instructions) = (Vec::new(), 0, Vec::new());
        for node in order {
            let Some((a, b)) = graph.operands(node) else {
                continue;
            };
            let operand = |n: usize| match graph.nodes[n] {
                Node::Constant(c) => Operand::Constant(c),
                Node::Column(column, rotation) => Operand::Column(column, rotation),
                _ => Operand::Register(place[&n]),
            };
            let (left, right) = (operand(a), operand(b));
            let out = free.pop().unwrap_or_else(|| {
                registers += 1;
                registers - 1
            });
            for used in [a, b] {
                uses[used] -= 1;
                if uses[used] == 0 {
                    free.extend(place.get(&used));
                }
            }
            place.insert(node, out);
            instructions.push(Instruction {
                kind: graph.kind(node),
                a: left,
                b: right,
                out,
            });
        }
        let result = match graph.nodes[root] {
            Node::Constant(c) => Operand::Constant(c),
            Node::Column(column, rotation) => Operand::Column(column, rotation),
            _ => Operand::Register(place[&root]),
        };
        Tape {
            instructions,
            registers,
            result,
        }
    }
}

enum Values<'a> {
    Many(&'a [Fr]),
    One(Fr),
}

fn read<'a>(
    operand: Operand,
    columns: &Columns<'a>,
    registers: &'a [Vec<Fr>],
    start: usize,
    len: usize,
    wrapped: &'a mut [Fr],
) -> Values<'a> {
    match operand {
        Operand::Constant(c) => Values::One(c),
        Operand::Register(r) => Values::Many(&registers[r][..len]),
        Operand::Column(column, rotation) => {
            let values = columns.all[column];
            let n = values.len();
            let from = (start as i64 + rotation as i64).rem_euclid(n as i64) as usize;
            if from + len <= n {
                return Values::Many(&values[from..from + len]);
            }
            for (i, slot) in wrapped[..len].iter_mut().enumerate() {
                *slot = values[(from + i) % n];
            }
            Values::Many(&wrapped[..len])
        }
    }
}

fn apply(out: &mut [Fr], a: Values<'_>, b: Values<'_>, f: impl Fn(&Fr, &Fr) -> Fr) {
    match (a, b) {
        (Values::Many(a), Values::Many(b)) => {
            for (out, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
                *out = f(a, b);
            }
        }
        (Values::Many(a), Values::One(b)) => {
            for (out, a) in out.iter_mut().zip(a) {
                *out = f(a, &b);
            }
        }
        (Values::One(a), Values::Many(b)) => {
            for (out, b) in out.iter_mut().zip(b) {
                *out = f(&a, b);
            }
        }
        (Values::One(a), Values::One(b)) => out.fill(f(&a, &b)),
    }
}

/// A term; equal terms are one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Node {
    Constant(Fr),
    Column(usize, i32),
    Add(usize, usize),
    Sub(usize, usize),
    Mul(usize, usize),
}

struct Graph<'a> {
    nodes: Vec<Node>,
    known: HashMap<Node, usize>,
    challenges: &'a [Fr],
    /// Indices of the first advice column and of the instance.
    advice: usize,
    instance: usize,
}

impl Graph<'_> {
    /// Σ weight·constraint; a constraint s·p adds weight·p to what s is multiplied by.
    fn sum_of_constraints(&mut self, cs: &ConstraintSystem<Fr>, weights: &[Fr]) -> usize {
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

    fn node(&mut self, node: Node) -> usize {
        let next = self.nodes.len();
        let index = *self.known.entry(node).or_insert(next);
        if index == next {
            self.nodes.push(node);
        }
        index
    }

    fn constant(&mut self, c: Fr) -> usize {
        self.node(Node::Constant(c))
    }

    fn known_constant(&self, node: usize) -> Option<Fr> {
        match self.nodes[node] {
            Node::Constant(c) => Some(c),
            _ => None,
        }
    }

    fn add(&mut self, a: usize, b: usize) -> usize {
        match (self.known_constant(a), self.known_constant(b)) {
            (Some(x), Some(y)) => self.constant(x + y),
            (Some(x), None) if x == Fr::ZERO => b,
            (None, Some(y)) if y == Fr::ZERO => a,
            _ => self.node(Node::Add(a.min(b), a.max(b))),
        }
    }

    fn sub(&mut self, a: usize, b: usize) -> usize {
        match (self.known_constant(a), self.known_constant(b)) {
            (Some(x), Some(y)) => self.constant(x - y),
            (None, Some(y)) if y == Fr::ZERO => a,
            _ if a == b => self.constant(Fr::ZERO),
            _ => self.node(Node::Sub(a, b)),
        }
    }

    fn mul(&mut self, a: usize, b: usize) -> usize {
        match (self.known_constant(a), self.known_constant(b)) {
            (Some(x), Some(y)) => self.constant(x * y),
            (Some(x), None) | (None, Some(x)) if x == Fr::ZERO => self.constant(Fr::ZERO),
            (Some(x), None) if x == Fr::ONE => b,
            (None, Some(y)) if y == Fr::ONE => a,
            _ => self.node(Node::Mul(a.min(b), a.max(b))),
        }
    }

    fn operands(&self, node: usize) -> Option<(usize, usize)> {
        match self.nodes[node] {
            Node::Add(a, b) | Node::Sub(a, b) | Node::Mul(a, b) => Some((a, b)),
            Node::Constant(_) | Node::Column(..) => None,
        }
    }

    fn kind(&self, node: usize) -> Kind {
        match self.nodes[node] {
            Node::Add(..) => Kind::Add,
            Node::Sub(..) => Kind::Sub,
            _ => Kind::Mul,
        }
    }

    /// Nodes that the root needs, operands first.
    fn order(&self, root: usize) -> Vec<usize> {
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
