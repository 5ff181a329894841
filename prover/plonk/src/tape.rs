//! Gates as one straight-line program, evaluated on blocks of rows: what an instruction costs beside its arithmetic is shared by a
//! block. `graph.rs` says which terms there are.

use crate::graph::{Graph, Node};
#[cfg(target_arch = "x86_64")]
use crate::tape_lanes::LanesTape;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use rayon::prelude::*;
use std::collections::HashMap;

/// Rows of a block: registers stay in the cache.
const BLOCK: usize = 64;

/// Where an instruction reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operand {
    Register(usize),
    /// A column, so many rows further.
    Column(usize, i32),
    Constant(Fr),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Add,
    Sub,
    Mul,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Instruction {
    pub(crate) kind: Kind,
    pub(crate) a: Operand,
    pub(crate) b: Operand,
    pub(crate) out: usize,
}

/// The program of one term.
#[derive(Debug)]
pub(crate) struct Tape {
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) registers: usize,
    pub(crate) result: Operand,
}

/// The columns that a program names by their places.
pub(crate) struct Columns<'a> {
    pub(crate) all: Vec<&'a [Fr]>,
}

/// What a thread needs to run a tape.
struct Scratch {
    registers: Vec<Vec<Fr>>,
    wrapped: [Vec<Fr>; 2],
}

impl Tape {
    /// The term's value on every row.
    pub(crate) fn evaluate(&self, columns: &Columns<'_>, out: &mut [Fr]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(lanes) = LanesTape::new(self, out.len()) {
            return lanes.evaluate(columns, out);
        }
        self.evaluate_plainly(columns, out);
    }

    /// The same, one row at a time.
    pub(crate) fn evaluate_plainly(&self, columns: &Columns<'_>, out: &mut [Fr]) {
        let blocks = out.par_chunks_mut(BLOCK).enumerate();
        blocks.for_each_init(
            || self.scratch(),
            |scratch, (block, out)| self.run(columns, block * BLOCK, scratch, out),
        );
    }

    fn scratch(&self) -> Scratch {
        Scratch {
            registers: vec![vec![Fr::ZERO; BLOCK]; self.registers],
            wrapped: [(); 2].map(|()| vec![Fr::ZERO; BLOCK]),
        }
    }

    /// Writes the values of the rows from `start` on, a block at most.
    fn run(&self, columns: &Columns<'_>, start: usize, scratch: &mut Scratch, out: &mut [Fr]) {
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
    pub(crate) fn of(graph: &Graph<'_>, root: usize) -> Self {
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
