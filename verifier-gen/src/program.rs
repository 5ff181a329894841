//! The numerator as a list of one kind of instruction, `d = a · b + c` modulo r over words of memory: no dispatch, so that the contract's
//! interpreter is four lines, and one instruction does a multiplication and an addition.
//!
//! An instruction is four 16-bit addresses, a word holds [`LANES`] of them. Temporaries are reused as soon as nobody reads them.

use crate::dag::{Dag, Id, Leaf, Node};
use halo2_base::halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use std::collections::{BTreeMap, HashMap};

/// Instructions in a word.
pub(crate) const LANES: usize = 4;

/// Where an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Operand {
    Leaf(Leaf),
    /// Number in [`Program::constants`].
    Constant(usize),
    Temporary(usize),
}

/// `to = a · b + c`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub(crate) to: usize,
    pub(crate) a: Operand,
    pub(crate) b: Operand,
    pub(crate) c: Operand,
}

/// Instructions, what they need, and where the result is.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) constants: Vec<Fr>,
    pub(crate) temporaries: usize,
    /// The temporary that holds the value at the end.
    pub(crate) result: usize,
}

/// An instruction over nodes, before temporaries are assigned.
#[derive(Debug)]
struct Fused {
    to: Id,
    a: Source,
    b: Source,
    c: Source,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    Node(Id),
    Constant(Fr),
}

impl Program {
    /// Instructions for the value of `root`.
    pub(crate) fn compile(dag: &Dag, root: Id) -> Self {
        let fused = fuse(dag, root);
        let mut program = Self::default();
        let mut constants = BTreeMap::new();
        // Always there: the padding of the last word multiplies zeros.
        program.constant(&mut constants, Fr::ZERO);
        program.allocate(dag, &fused, &mut constants);
        program
    }

    fn constant(&mut self, seen: &mut BTreeMap<Fr, usize>, value: Fr) -> Operand {
        let next = self.constants.len();
        let index = *seen.entry(value).or_insert(next);
        if index == next {
            self.constants.push(value);
        }
        Operand::Constant(index)
    }

    /// Linear scan: operands read for the last time free their words before the result takes one.
    fn allocate(&mut self, dag: &Dag, fused: &[Fused], constants: &mut BTreeMap<Fr, usize>) {
        let last_read = last_reads(fused);
        let mut home: HashMap<Id, usize> = HashMap::new();
        let mut free: Vec<usize> = Vec::new();
        for (at, instruction) in fused.iter().enumerate() {
            let sources = instruction.sources();
            let [a, b, c] = sources.map(|source| self.operand(dag, source, &home, constants));
            for id in sources.iter().filter_map(Source::id) {
                if last_read.get(&id) == Some(&at) {
                    free.extend(home.remove(&id));
                }
            }
            let to = free.pop().unwrap_or(self.temporaries);
            self.temporaries = self.temporaries.max(to + 1);
            home.insert(instruction.to, to);
            self.instructions.push(Instruction { to, a, b, c });
            self.result = to;
        }
    }

    fn operand(
        &mut self,
        dag: &Dag,
        source: Source,
        home: &HashMap<Id, usize>,
        constants: &mut BTreeMap<Fr, usize>,
    ) -> Operand {
        let id = match source {
            Source::Constant(c) => return self.constant(constants, c),
            Source::Node(id) => id,
        };
        match dag.node(id) {
            Node::Leaf(leaf) => Operand::Leaf(leaf),
            Node::Constant(c) => self.constant(constants, c),
            Node::Add(..) | Node::Mul(..) => Operand::Temporary(home[&id]),
        }
    }

    /// The value of a run, as the contract computes it.
    #[cfg(test)]
    pub(crate) fn run(&self, leaf: impl Fn(Leaf) -> Fr) -> Fr {
        let mut memory = vec![Fr::ZERO; self.temporaries];
        for instruction in &self.instructions {
            let value = |operand| match operand {
                Operand::Leaf(l) => leaf(l),
                Operand::Constant(i) => self.constants[i],
                Operand::Temporary(i) => memory[i],
            };
            let [a, b, c] = [instruction.a, instruction.b, instruction.c].map(value);
            memory[instruction.to] = a * b + c;
        }
        memory[self.result]
    }
}

impl Source {
    fn id(&self) -> Option<Id> {
        match self {
            Self::Node(id) => Some(*id),
            Self::Constant(_) => None,
        }
    }
}

impl Fused {
    fn sources(&self) -> [Source; 3] {
        [self.a, self.b, self.c]
    }
}

fn last_reads(fused: &[Fused]) -> HashMap<Id, usize> {
    let reads = fused.iter().enumerate();
    reads
        .flat_map(|(at, f)| f.sources().into_iter().map(move |source| (source, at)))
        .filter_map(|(source, at)| Some((source.id()?, at)))
        .collect() // later ones overwrite
}

/// Times that each node is read on the way to `root`; 0 for those that are not needed.
fn uses(dag: &Dag, root: Id) -> Vec<usize> {
    let mut uses = vec![0; dag.nodes().len()];
    uses[root.index()] = 1;
    for at in (0..=root.index()).rev() {
        if uses[at] == 0 {
            continue;
        }
        if let Node::Add(a, b) | Node::Mul(a, b) = dag.nodes()[at] {
            uses[a.index()] += 1;
            uses[b.index()] += 1;
        }
    }
    uses
}

/// One instruction a node, except that a product read only by one sum becomes part of the sum's instruction.
fn fuse(dag: &Dag, root: Id) -> Vec<Fused> {
    let uses = uses(dag, root);
    let mut absorbed = vec![false; uses.len()];
    let mut fused = Vec::new();
    for at in (0..=root.index()).rev() {
        if uses[at] == 0 || absorbed[at] {
            continue;
        }
        let to = Id::at(at);
        match dag.node(to) {
            Node::Mul(a, b) => fused.push(Fused::new(to, a, b, Source::Constant(Fr::ZERO))),
            Node::Add(a, b) => fused.push(fuse_sum(dag, to, [a, b], &uses, &mut absorbed)),
            // A numerator that is a leaf still needs a word of its own.
            Node::Leaf(_) | Node::Constant(_) if to == root => fused.push(Fused {
                to,
                a: Source::Constant(Fr::ZERO),
                b: Source::Constant(Fr::ZERO),
                c: Source::Node(to),
            }),
            Node::Leaf(_) | Node::Constant(_) => {}
        }
    }
    fused.reverse();
    fused
}

fn fuse_sum(dag: &Dag, to: Id, terms: [Id; 2], uses: &[usize], absorbed: &mut [bool]) -> Fused {
    let [x, y] = terms;
    for (product, rest) in [(y, x), (x, y)] {
        if let Node::Mul(a, b) = dag.node(product)
            && uses[product.index()] == 1
        {
            absorbed[product.index()] = true;
            return Fused::new(to, a, b, Source::Node(rest));
        }
    }
    Fused {
        to,
        a: Source::Node(x),
        b: Source::Constant(Fr::ONE),
        c: Source::Node(y),
    }
}

impl Fused {
    fn new(to: Id, a: Id, b: Id, c: Source) -> Self {
        Self {
            to,
            a: Source::Node(a),
            b: Source::Node(b),
            c,
        }
    }
}
