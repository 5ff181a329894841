//! Gates as one straight-line program, evaluated on blocks of rows: what an instruction costs beside its arithmetic is shared by a
//! block. `graph.rs` says which terms there are.

use crate::graph::{Graph, Node};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::ConstraintSystem;
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
        let mut graph = Graph::new(cs, challenges);
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
                kind: match graph.nodes[node] {
                    Node::Add(..) => Kind::Add,
                    Node::Sub(..) => Kind::Sub,
                    _ => Kind::Mul,
                },
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
