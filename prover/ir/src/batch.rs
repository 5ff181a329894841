//! Many runs in one program: every operator works on the tensors of all items, one after the other, so that weights are
//! there once. Items share nothing else.

use crate::arith::ACT_MIN;
use crate::packing::{SLOTS_PER_WORD, word_count};
use crate::validate::MAX_ELEMENTS;
use crate::{Coefs, Op, OpKind, Program, ProgramError, Scale, Source, Task, Tensor, TensorId};

impl Program {
    /// The program that runs this one on `items` inputs (at least 2).
    ///
    /// It has one input tensor `[items, 15·words]` and one output tensor of that form: row i holds the public inputs (or
    /// outputs) of item i as they are packed, filled up to whole words with −2^15, which an unused slot holds. So its public
    /// words are those of the items, one item after the other. Hints are the items' hints, one after the other. What is
    /// stated beyond outputs for inputs is left to the operators (as [`Task::Generate`]'s assertions are).
    ///
    /// A program that is well-formed gives one that is. An error if it would be too large, before anything is built.
    pub fn batched(&self, items: usize) -> Result<Program, ProgramError> {
        check_size(self, items)?;
        let mut batch = Batch::new(self, items);
        batch.read_inputs();
        for op in &self.ops {
            batch.ops.push(repeat(self, op, items));
        }
        batch.write_outputs();
        Ok(Program {
            tensors: batch.tensors,
            tables: self.tables.clone(),
            ops: batch.ops,
            inputs: vec![batch.input],
            hints: self.hints.clone(),
            outputs: vec![batch.output],
            task: Task::Infer,
        })
    }

    /// The input tensor of [`Program::batched`] for these items' input values.
    pub fn batched_inputs(&self, items: &[Vec<i32>]) -> Vec<i32> {
        let width = padded(self.value_count(&self.inputs));
        let mut values = Vec::with_capacity(items.len() * width);
        for (i, item) in items.iter().enumerate() {
            values.extend_from_slice(item);
            values.resize((i + 1) * width, ACT_MIN as i32);
        }
        values
    }
}

/// Most values of all items' inputs, or outputs; a proof with more public words than this makes is for no chain.
const MAX_PUBLIC: usize = 1 << 24;

fn check_size(single: &Program, items: usize) -> Result<(), ProgramError> {
    let too_large = |what: String| ProgramError {
        op: usize::MAX,
        name: "batch".into(),
        what,
    };
    let fits = |values: usize, most: usize| values.checked_mul(items).is_some_and(|n| n <= most);
    for (what, ids) in [("inputs", &single.inputs), ("outputs", &single.outputs)] {
        let values = single.value_count(ids);
        if !fits(padded(values), MAX_PUBLIC) || ids.len() > usize::from(u16::MAX) {
            return Err(too_large(format!(
                "{values} values of {what} for each of {items} items, at most {MAX_PUBLIC} in all"
            )));
        }
    }
    match single.tensors.iter().find(|t| !fits(t.len(), MAX_ELEMENTS)) {
        Some(tensor) => Err(too_large(format!(
            "tensor {} has over {MAX_ELEMENTS} elements for {items} items",
            tensor.name
        ))),
        None => Ok(()),
    }
}

/// Slots of the words that hold so many values.
fn padded(values: usize) -> usize {
    word_count(values) * SLOTS_PER_WORD
}

/// A program in the making. Tensors of the original keep their ids, and hold all items.
struct Batch<'a> {
    single: &'a Program,
    items: usize,
    tensors: Vec<Tensor>,
    ops: Vec<Op>,
    input: TensorId,
    output: TensorId,
}

impl<'a> Batch<'a> {
    fn new(single: &'a Program, items: usize) -> Self {
        let mut tensors: Vec<Tensor> = single.tensors.iter().map(|t| widen(t, items)).collect();
        let mut whole = |name: &str, ids: &[TensorId]| {
            tensors.push(Tensor {
                name: name.into(),
                shape: vec![items, padded(single.value_count(ids))],
                scale: Scale(0),
            });
            TensorId(tensors.len() as u32 - 1)
        };
        let input = whole("items", &single.inputs);
        let output = whole("results", &single.outputs);
        Batch {
            single,
            items,
            tensors,
            ops: Vec::new(),
            input,
            output,
        }
    }

    /// Takes the input tensors out of the rows, and states what unused slots hold.
    fn read_inputs(&mut self) {
        let (items, width) = (self.items, self.tensors[self.input.0 as usize].shape[1]);
        let cells = |range: std::ops::Range<usize>| -> Vec<Source> {
            let rows = (0..items).flat_map(|i| range.clone().map(move |at| i * width + at));
            rows.map(|index| cell(0, index)).collect()
        };
        let mut from = 0;
        for &id in &self.single.inputs {
            let to = from + self.single.tensor(id).len();
            self.ops.push(Op {
                name: format!("items of {}", self.single.tensor(id).name),
                kind: OpKind::Rearrange {
                    sources: vec![self.input],
                    map: cells(from..to),
                    out: id,
                },
            });
            from = to;
        }
        if from < width {
            self.state_unused(cells(from..width));
        }
    }

    fn state_unused(&mut self, map: Vec<Source>) {
        let unused = TensorId(self.tensors.len() as u32);
        self.tensors.push(Tensor {
            name: "unused slots".into(),
            shape: vec![map.len()],
            scale: Scale(0),
        });
        let kinds = [
            OpKind::Rearrange {
                sources: vec![self.input],
                map,
                out: unused,
            },
            OpKind::AssertZero {
                a: unused,
                b: None,
                coefs: Coefs::uniform(0, 1, 0, -ACT_MIN),
            },
        ];
        let name = || "unused slots".to_owned();
        self.ops.extend(kinds.map(|kind| Op { name: name(), kind }));
    }

    fn write_outputs(&mut self) {
        let width = self.tensors[self.output.0 as usize].shape[1];
        let outputs = &self.single.outputs;
        let mut map = Vec::with_capacity(self.items * width);
        for item in 0..self.items {
            for (source, &id) in outputs.iter().enumerate() {
                let len = self.single.tensor(id).len();
                map.extend((0..len).map(|at| cell(source, item * len + at)));
            }
            map.resize((item + 1) * width, Source::Const(ACT_MIN as i16));
        }
        self.ops.push(Op {
            name: "results".into(),
            kind: OpKind::Rearrange {
                sources: outputs.clone(),
                map,
                out: self.output,
            },
        });
    }
}

fn cell(tensor: usize, index: usize) -> Source {
    Source::Cell {
        tensor: tensor as u16,
        index: index as u32,
    }
}

/// The tensor for all items: more of the first axis, or, where that is the only one, an axis before it. So last axes and
/// the three axes of [`OpKind::MatMul`] stay what they are.
fn widen(tensor: &Tensor, items: usize) -> Tensor {
    let shape = match tensor.shape.as_slice() {
        [] => vec![items],
        [only] => vec![items, *only],
        [first, rest @ ..] => [&[first * items], rest].concat(),
    };
    Tensor {
        shape,
        ..tensor.clone()
    }
}

/// The op on the tensors of all items. Operators that work on rows, or on each element, do so on more of them; what has a
/// value for each element of a tensor has it for each item.
fn repeat(single: &Program, op: &Op, items: usize) -> Op {
    let mut op = op.clone();
    match &mut op.kind {
        OpKind::Elementwise { coefs, .. } | OpKind::AssertZero { coefs, .. } => {
            for each in [&mut coefs.ab, &mut coefs.a, &mut coefs.b, &mut coefs.one] {
                if each.len() != 1 {
                    *each = each.repeat(items);
                }
            }
        }
        OpKind::Softmax { allowed, .. } => {
            *allowed = allowed.as_ref().map(|mask| mask.repeat(items));
        }
        OpKind::Rearrange { sources, map, .. } => {
            let of_item = |item: usize| {
                map.iter()
                    .map(move |source| (item, *source))
                    .map(|(item, source)| match source {
                        Source::Cell { tensor, index } => {
                            let len = single.tensor(sources[tensor as usize]).len();
                            cell(tensor as usize, item * len + index as usize)
                        }
                        constant @ Source::Const(_) => constant,
                    })
            };
            *map = (0..items).flat_map(of_item).collect();
        }
        OpKind::Linear { .. }
        | OpKind::MatMul { .. }
        | OpKind::Lookup { .. }
        | OpKind::RmsNorm { .. }
        | OpKind::ArgMax { .. }
        | OpKind::Gather { .. } => {}
    }
    op
}
