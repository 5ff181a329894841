//! The numerator in two forms, one after the other: *statements*, nested expressions that become straight-line code, and *instructions*,
//! `d = a · b + c` modulo r over words of memory, which an interpreter of four lines walks.
//!
//! An instruction is four 16-bit addresses, a word holds [`LANES`] of them. How many of the instructions become statements is the caller's
//! choice: code is three times as fast and takes a contract's scarce bytes. Temporaries are reused as soon as nobody reads them.

use crate::{
    dag::{Dag, Id, Leaf, Node},
    tree::{Terms, Tree},
};
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

/// `to = value`
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) to: usize,
    pub(crate) value: Tree<Operand>,
}

/// Statements, then instructions, what they need, and where the result is.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) statements: Vec<Statement>,
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) constants: Vec<Fr>,
    pub(crate) temporaries: usize,
    /// The temporary that holds the value at the end.
    pub(crate) result: usize,
}

/// An instruction over nodes, before temporaries are assigned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fused {
    pub(crate) to: Id,
    pub(crate) a: Source,
    pub(crate) b: Source,
    pub(crate) c: Source,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Source {
    Node(Id),
    Constant(Fr),
}

impl Program {
    /// The program for the value of `root`, the first `straight` of its instructions as statements.
    pub(crate) fn compile(dag: &Dag, root: Id, straight: usize) -> Self {
        let fused = fuse(dag, root);
        let straight = straight.min(fused.len());
        let statements = Terms::nest(dag, &fused, straight);
        let mut allocator = Allocator::new(dag, statements, &fused[straight..]);
        allocator.run();
        allocator.program
    }

    /// Instructions that the whole numerator takes.
    pub(crate) fn length(dag: &Dag, root: Id) -> usize {
        fuse(dag, root).len()
    }

    /// The value of a run, as the contract computes it.
    #[cfg(test)]
    pub(crate) fn run(&self, leaf: impl Fn(Leaf) -> Fr) -> Fr {
        let mut memory = vec![Fr::ZERO; self.temporaries];
        let value = |memory: &[Fr], operand: &Operand| match *operand {
            Operand::Leaf(l) => leaf(l),
            Operand::Constant(i) => self.constants[i],
            Operand::Temporary(i) => memory[i],
        };
        for statement in &self.statements {
            memory[statement.to] = statement.value.evaluate(&|o| value(&memory, o));
        }
        for Instruction { to, a, b, c } in &self.instructions {
            let [a, b, c] = [a, b, c].map(|operand| value(&memory, operand));
            memory[*to] = a * b + c;
        }
        memory[self.result]
    }
}

/// Linear scan: operands read for the last time free their words before the result takes one.
struct Allocator<'a> {
    dag: &'a Dag,
    statements: Vec<(Id, Tree<Source>)>,
    instructions: &'a [Fused],
    last_read: HashMap<Id, usize>,
    home: HashMap<Id, usize>,
    free: Vec<usize>,
    constants: BTreeMap<Fr, usize>,
    program: Program,
}

impl<'a> Allocator<'a> {
    fn new(dag: &'a Dag, statements: Vec<(Id, Tree<Source>)>, instructions: &'a [Fused]) -> Self {
        let nested = statements.iter().map(|(_, tree)| tree.operands());
        let plain = instructions.iter().map(|f| f.sources().to_vec());
        let reads = nested.chain(plain).enumerate();
        let last_read = reads
            .flat_map(|(at, sources)| sources.into_iter().map(move |source| (source, at)))
            .filter_map(|(source, at)| Some((source.id()?, at)))
            .collect(); // later ones overwrite
        Self {
            dag,
            statements,
            instructions,
            last_read,
            home: HashMap::new(),
            free: Vec::new(),
            constants: BTreeMap::new(),
            program: Program::default(),
        }
    }

    fn run(&mut self) {
        for (at, (id, tree)) in std::mem::take(&mut self.statements).into_iter().enumerate() {
            let value = tree.map(&mut |source| self.operand(*source));
            self.release(&tree.operands(), at);
            let to = self.store(id);
            self.program.statements.push(Statement { to, value });
        }
        let first = self.program.statements.len();
        if !self.instructions.is_empty() {
            // The padding of the last word multiplies zeros.
            self.constant(Fr::ZERO);
        }
        for (at, fused) in self.instructions.iter().enumerate() {
            let [a, b, c] = fused.sources().map(|source| self.operand(source));
            self.release(&fused.sources(), first + at);
            let to = self.store(fused.to);
            let instruction = Instruction { to, a, b, c };
            self.program.instructions.push(instruction);
        }
    }

    fn release(&mut self, read: &[Source], at: usize) {
        for id in read.iter().filter_map(Source::id) {
            if self.last_read.get(&id) == Some(&at) {
                self.free.extend(self.home.remove(&id));
            }
        }
    }

    fn store(&mut self, id: Id) -> usize {
        let to = self.free.pop().unwrap_or(self.program.temporaries);
        self.program.temporaries = self.program.temporaries.max(to + 1);
        self.home.insert(id, to);
        self.program.result = to;
        to
    }

    fn constant(&mut self, value: Fr) -> Operand {
        let next = self.program.constants.len();
        let index = *self.constants.entry(value).or_insert(next);
        if index == next {
            self.program.constants.push(value);
        }
        Operand::Constant(index)
    }

    fn operand(&mut self, source: Source) -> Operand {
        let id = match source {
            Source::Constant(c) => return self.constant(c),
            Source::Node(id) => id,
        };
        match self.dag.node(id) {
            Node::Leaf(leaf) => Operand::Leaf(leaf),
            Node::Constant(c) => self.constant(c),
            Node::Add(..) | Node::Mul(..) => Operand::Temporary(self.home[&id]),
        }
    }
}

impl Source {
    pub(crate) fn id(&self) -> Option<Id> {
        match self {
            Self::Node(id) => Some(*id),
            Self::Constant(_) => None,
        }
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

    pub(crate) fn sources(&self) -> [Source; 3] {
        [self.a, self.b, self.c]
    }
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
