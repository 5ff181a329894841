//! One small program an operator: the circuit accepts what the executor computes, at the edges too.

use super::checker::check;
use crate::layout::{self, Layout};
use crate::segment::{Segment, Witness, build};
use crate::{CircuitError, boundary_instances};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halocast_ir::*;

pub(super) const SALTS: [u64; 2] = [11, 12];

/// A program with its honest run.
pub(super) struct Case {
    pub(super) program: Program,
    pub(super) segment: Segment,
    pub(super) trace: Trace,
}

impl Case {
    pub(super) fn salts() -> [Fr; 2] {
        SALTS.map(Fr::from)
    }

    pub(super) fn new(program: Program, given: &[Vec<i32>]) -> Case {
        program.validate().unwrap();
        let ids = program.inputs.iter().chain(&program.hints);
        let given: Vec<_> = ids.copied().zip(given.iter().cloned()).collect();
        let trace = execute(&program, &given).unwrap();
        let mut segment = Segment {
            name: "test".into(),
            ops: 0..program.ops.len(),
            inputs: program.inputs.clone(),
            outputs: program.outputs.clone(),
            hints: program.hints.clone(),
            k: 0,
        };
        segment.k = layout::domain_for(&build(&program, &segment, None).unwrap());
        Case {
            program,
            segment,
            trace,
        }
    }

    /// The same program on each input turned around.
    pub(super) fn on_other_inputs(&self) -> Case {
        let reversed = |id| self.trace.get(id).iter().rev().copied().collect();
        let inputs: Vec<Vec<i32>> = self.program.inputs.iter().copied().map(reversed).collect();
        Case::new(self.program.clone(), &inputs)
    }

    pub(super) fn layout(&self) -> Result<Layout, CircuitError> {
        let witness = Witness {
            trace: &self.trace,
            salts: Self::salts(),
        };
        let rows = build(&self.program, &self.segment, Some(witness))?;
        Layout::new(rows, &self.program, "test", self.segment.k)
    }

    pub(super) fn instances(&self) -> [Fr; 2] {
        boundary_instances(&self.segment, &self.trace, Self::salts())
    }
}

/// Builds programs in a line or two.
pub(super) struct Make(Program);

impl Make {
    pub(super) fn new() -> Self {
        Make(Program {
            tensors: vec![],
            tables: vec![],
            ops: vec![],
            inputs: vec![],
            hints: vec![],
            outputs: vec![],
            task: Task::Infer,
        })
    }

    pub(super) fn tensor(&mut self, shape: &[usize]) -> TensorId {
        let name = format!("t{}", self.0.tensors.len());
        self.0.tensors.push(Tensor {
            name,
            shape: shape.to_vec(),
            scale: Scale(8),
        });
        TensorId(self.0.tensors.len() as u32 - 1)
    }

    pub(super) fn input(&mut self, shape: &[usize]) -> TensorId {
        let id = self.tensor(shape);
        self.0.inputs.push(id);
        id
    }

    pub(super) fn table(&mut self, f: impl Fn(usize) -> i16) -> TableId {
        self.0.tables.push(Table {
            name: "f".into(),
            values: (0..FUNC_SIZE).map(f).collect(),
        });
        TableId(self.0.tables.len() as u32 - 1)
    }

    pub(super) fn op(&mut self, kind: OpKind) {
        self.0.ops.push(Op {
            name: format!("{}{}", kind.label(), self.0.ops.len()),
            kind,
        });
    }

    pub(super) fn finish(mut self, outputs: &[TensorId]) -> Program {
        self.0.outputs = outputs.to_vec();
        self.0
    }
}

pub(super) fn linear_case() -> Case {
    let mut p = Make::new();
    let x = p.input(&[3, 5]);
    let (y, z) = (p.tensor(&[3, 6]), p.tensor(&[3, 2]));
    let w = Matrix {
        rows: 5,
        cols: 6,
        data: (0..30).map(|i| (i * 7919) % 4001 - 2000).collect(),
    };
    p.op(OpKind::Linear {
        x,
        w,
        bias: Some(vec![5, -5, 0, 1 << 30, -(1 << 30), 77]),
        mul: 3,
        bits: ClampBits::Act,
        out: y,
    });
    let w = Matrix {
        rows: 6,
        cols: 2,
        data: vec![1, 2, 3, 4, 5, -6, 7, 8, -9, 10, 11, 12],
    };
    p.op(OpKind::Linear {
        x: y,
        w,
        bias: None,
        mul: 4096,
        bits: ClampBits::Func,
        out: z,
    });
    let x = vec![
        0, 1, -1, 32767, -32768, 5, 6, 7, 8, 9, -100, 2000, 30000, -30000, 1,
    ];
    Case::new(p.finish(&[y, z]), &[x])
}

/// x + 1, on rows that start no chain: after a product they leave its check to its own end.
fn plus_one(p: &mut Make, x: TensorId, shape: &[usize]) -> TensorId {
    let out = p.tensor(shape);
    p.op(OpKind::Elementwise {
        a: x,
        b: None,
        coefs: Coefs::uniform(0, 1 << 16, 0, 1 << 16),
        form: Form::Narrow(ClampBits::Act),
        out,
    });
    out
}

/// Two packed groups after a shorter one; then functions, looked up on the rows of the products.
pub(super) fn packed_case() -> Case {
    let mut p = Make::new();
    let x = p.input(&[3, 4]);
    let (y, u, z) = (p.tensor(&[3, 14]), p.tensor(&[3, 8]), p.tensor(&[3, 8]));
    let matrix = |rows: usize, cols: usize| Matrix {
        rows,
        cols,
        data: (0..(rows * cols) as i32)
            .map(|i| (i * 7919) % 40001 - 20000)
            .collect(),
    };
    let f = p.table(|i| (i as i32 * 3 - 20000) as i16);
    p.op(OpKind::Linear {
        x,
        w: matrix(4, 14),
        bias: None,
        mul: 2,
        bits: ClampBits::Act,
        out: y,
    });
    p.op(OpKind::Linear {
        x: y,
        w: matrix(14, 8),
        bias: Some((0..8).map(|i| (i - 4) << 27).collect()),
        mul: 1,
        bits: ClampBits::Func,
        out: u,
    });
    p.op(OpKind::Lookup {
        x: u,
        table: f,
        out: z,
    });
    let last = plus_one(&mut p, z, &[3, 8]);
    let x = vec![0, 1, -1, 30000, -30000, 5, 600, -7, 8, 9, -100, 2000];
    Case::new(p.finish(&[last]), &[x])
}

/// Weights of which six do not fit a cell.
pub(super) fn unpacked_case() -> Case {
    let mut p = Make::new();
    let (x, y) = (p.input(&[2, 3]), p.tensor(&[2, 7]));
    let w = Matrix {
        rows: 3,
        cols: 7,
        data: (0..21).map(|i| i * 1000 - 9999).collect(),
    };
    p.op(OpKind::Linear {
        x,
        w,
        bias: None,
        mul: 1 << 12,
        bits: ClampBits::Act,
        out: y,
    });
    let last = plus_one(&mut p, y, &[2, 7]);
    Case::new(p.finish(&[last]), &[vec![1, -2, 3, 0, 5, -4]])
}

pub(super) fn mat_mul_case() -> Case {
    let mut p = Make::new();
    let (x, y, z) = (
        p.input(&[2, 3, 4]),
        p.input(&[2, 4, 2]),
        p.tensor(&[2, 3, 2]),
    );
    p.op(OpKind::MatMul {
        x,
        y,
        mul: 1,
        bits: ClampBits::Act,
        out: z,
    });
    let last = plus_one(&mut p, z, &[2, 3, 2]);
    let left = (0..24).map(|i| i * 2731 - 32768).collect();
    let right = (0..16).map(|i| 32767 - i * 4000).collect();
    Case::new(p.finish(&[last]), &[left, right])
}

pub(super) fn elementwise_case() -> Case {
    let mut p = Make::new();
    let (x, y) = (p.input(&[6]), p.input(&[6]));
    let (a, b, c, d) = (
        p.tensor(&[6]),
        p.tensor(&[6]),
        p.tensor(&[6]),
        p.tensor(&[6]),
    );
    let one = 1 << 16;
    p.op(OpKind::Elementwise {
        a: x,
        b: Some(y),
        coefs: Coefs::uniform(1, 0, 0, 0),
        form: Form::Narrow(ClampBits::Act),
        out: a,
    });
    p.op(OpKind::Elementwise {
        a: x,
        b: Some(y),
        coefs: Coefs::uniform(0, one, one, 0),
        form: Form::Narrow(ClampBits::Act),
        out: b,
    });
    let coefs = Coefs {
        ab: vec![0],
        a: vec![one / 4, 0, 3, 5, 7, -one / 4],
        b: vec![0],
        one: vec![9],
    };
    p.op(OpKind::Elementwise {
        a: x,
        b: None,
        coefs,
        form: Form::Narrow(ClampBits::Func),
        out: c,
    });
    p.op(OpKind::Elementwise {
        a: c,
        b: Some(y),
        coefs: Coefs::uniform(1 << 18, -(1 << 30), 0, 123),
        form: Form::Wide,
        out: d,
    });
    Case::new(
        p.finish(&[a, b, c, d]),
        &[
            vec![32767, -32768, 1, -1, 0, 32767],
            vec![32767, -32768, 0, 1, -1, 2],
        ],
    )
}

pub(super) fn lookup_case() -> Case {
    let mut p = Make::new();
    let (x, y) = (p.input(&[4]), p.tensor(&[4]));
    let (u, z) = (p.tensor(&[4]), p.tensor(&[4]));
    let f = p.table(|i| (i as i32 * 3 - 20000) as i16);
    let g = p.table(|i| if i % 2 == 0 { -32768 } else { 32767 });
    p.op(OpKind::Lookup {
        x,
        table: f,
        out: y,
    });
    p.op(OpKind::Elementwise {
        a: y,
        b: None,
        coefs: Coefs::uniform(0, 1 << 16, 0, 0),
        form: Form::Narrow(ClampBits::Func),
        out: u,
    });
    p.op(OpKind::Lookup {
        x: u,
        table: g,
        out: z,
    });
    Case::new(p.finish(&[y, z]), &[vec![-8192, 8191, 0, -1]])
}

pub(super) fn softmax_case() -> Case {
    let mut p = Make::new();
    let (x, y) = (p.input(&[3, 4]), p.tensor(&[3, 4]));
    let exp = p.table(|i| ((-(i as f64) / 512.0).exp() * 16384.0).round() as i16);
    let allowed = vec![
        true, false, false, false, true, true, false, false, true, true, true, true,
    ];
    p.op(OpKind::Softmax {
        x,
        allowed: Some(allowed),
        mul: 1 << 15,
        exp,
        out: y,
    });
    Case::new(
        p.finish(&[y]),
        &[vec![
            5, 9, 9, 9, 1000, -1000, 0, 0, 32767, -32768, 32767, 32000,
        ]],
    )
}

pub(super) fn norm_case() -> Case {
    let mut p = Make::new();
    let (x, y) = (p.input(&[3, 4]), p.tensor(&[3, 4]));
    let gain = vec![1 << 14, -(1 << 14), 3 << 12, 0];
    p.op(OpKind::RmsNorm {
        x,
        gain,
        bias: vec![0, 1 << 33, 0, -(5 << 32)],
        eps: 7,
        log2_k: 54,
        out: y,
    });
    Case::new(
        p.finish(&[y]),
        &[vec![0, 0, 0, 0, 32767, -32768, 32767, 32767, 1, 2, -3, 400]],
    )
}

pub(super) fn arg_max_case() -> Case {
    let mut p = Make::new();
    let (x, y) = (p.input(&[3, 5]), p.tensor(&[3]));
    p.op(OpKind::ArgMax { x, out: y });
    Case::new(
        p.finish(&[y]),
        &[vec![
            1, 7, 7, -3, 7, -32768, -32768, -32768, -32768, -32768, 0, 1, 2, 3, 32767,
        ]],
    )
}

/// Columns of the table of `gather_case`: five words, the last of ten values, in two steps.
pub(super) const GATHER_COLS: usize = 70;

pub(super) fn gather_case() -> Case {
    gather_with(None)
}

/// With another value at one place of the table.
pub(super) fn gather_with(change: Option<usize>) -> Case {
    let mut p = Make::new();
    let (ids, y) = (p.input(&[4]), p.tensor(&[4, GATHER_COLS]));
    let rows = 7;
    let mut data: Vec<i32> = (0..(rows * GATHER_COLS) as i32)
        .map(|i| (i * 1931) % 65536 - 32768)
        .collect();
    if let Some(at) = change {
        data[at] ^= 1;
    }
    let table = Matrix {
        rows,
        cols: GATHER_COLS,
        data,
    };
    p.op(OpKind::Gather { ids, table, out: y });
    Case::new(p.finish(&[y]), &[vec![0, 6, 3, 3]])
}

pub(super) fn wiring_case() -> Case {
    let mut p = Make::new();
    let (x, y) = (p.input(&[3]), p.tensor(&[5]));
    let cell = |index| Source::Cell { tensor: 0, index };
    p.op(OpKind::Rearrange {
        sources: vec![x],
        map: vec![cell(2), cell(0), Source::Const(-7), cell(1), cell(2)],
        out: y,
    });
    p.op(OpKind::AssertZero {
        a: x,
        b: Some(x),
        coefs: Coefs::uniform(1, -1, 0, 0),
    });
    Case::new(p.finish(&[y]), &[vec![0, 1, 1]])
}

pub(super) fn all() -> Vec<(&'static str, Case)> {
    vec![
        ("linear", linear_case()),
        ("packed", packed_case()),
        ("unpacked", unpacked_case()),
        ("mat_mul", mat_mul_case()),
        ("elementwise", elementwise_case()),
        ("lookup", lookup_case()),
        ("softmax", softmax_case()),
        ("norm", norm_case()),
        ("arg_max", arg_max_case()),
        ("gather", gather_case()),
        ("wiring", wiring_case()),
    ]
}

#[test]
fn circuits_accept_what_the_executor_computes() {
    for (name, case) in all() {
        let layout = case.layout().unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(check(&layout, case.instances()), Ok(()), "{name}");
    }
}

#[test]
fn keys_and_proofs_have_the_same_rows() {
    for (name, case) in all() {
        let (empty, full) = (
            build(&case.program, &case.segment, None).unwrap(),
            case.layout().unwrap().rows,
        );
        assert_eq!(
            empty.w, full.w,
            "{name}: coefficients depend on the witness"
        );
        assert_eq!(empty.gates, full.gates, "{name}");
        assert_eq!(empty.copies, full.copies, "{name}");
        assert_eq!(
            (&empty.tags, &empty.embeds),
            (&full.tags, &full.embeds),
            "{name}"
        );
    }
}
