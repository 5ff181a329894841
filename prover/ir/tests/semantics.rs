//! Properties of the integer semantics, on pseudo-random data and at the edges; and programs that must be refused.

use halocast_ir::{
    ACT_MAX, ACT_MIN, ClampBits, Coefs, ExecError, FUNC_SIZE, Form, MAX_EXCESS, Matrix, Op, OpKind,
    Program, Scale, Source, Table, TableId, Task, Tensor, TensorId, execute, inverse_root, narrow,
    softmax_row, wide,
};

/// xorshift64*.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn within(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() as i128).rem_euclid((high - low + 1) as i128) as i64
    }

    fn acts(&mut self, n: usize) -> Vec<i32> {
        (0..n)
            .map(|_| self.within(ACT_MIN, ACT_MAX) as i32)
            .collect()
    }
}

#[test]
fn narrow_is_rounding_then_clamping_with_its_witness() {
    let mut rng = Rng(1);
    for _ in 0..20_000 {
        let acc = rng.within(-(98_000 << 16), 98_000 << 16);
        for bits in [ClampBits::Act, ClampBits::Func] {
            let half = 1i64 << (bits.bits() - 1);
            let v = (acc as f64 / 65536.0 + 0.5).floor() as i64;
            let Ok(n) = narrow(acc as i128, bits) else {
                let over = (v - v.clamp(-half, half - 1)).abs() as i128;
                assert!(over > MAX_EXCESS, "{acc} is refused");
                continue;
            };
            assert_eq!(n.y, v.clamp(-half, half - 1));
            assert_eq!(n.excess, (v - n.y).abs());
            assert_eq!(acc + (1 << 15), (v << 16) + n.rem);
            assert!((0..1 << 16).contains(&n.rem) && i128::from(n.excess) <= MAX_EXCESS);
        }
    }
}

#[test]
fn wide_is_rounding_or_refusal() {
    let mut rng = Rng(2);
    for _ in 0..20_000 {
        let acc = rng.within(-(40_000 << 32), 40_000 << 32);
        let v = ((acc + (1 << 31)) as i128).div_euclid(1 << 32);
        match wide(acc as i128) {
            Ok((y, rem)) => assert_eq!(acc + (1 << 31), (y << 32) + rem),
            Err(e) => assert!(e == v && (v > ACT_MAX as i128 || v < ACT_MIN as i128)),
        }
    }
}

#[test]
fn inverse_root_is_the_floor() {
    let mut rng = Rng(3);
    for n in [1usize, 2, 16, 64, 100] {
        for _ in 0..500 {
            let row = rng.acts(n);
            let eps = rng.within(1, 1 << 20);
            let v: i128 = row.iter().map(|&x| i128::from(x).pow(2)).sum::<i128>() + eps as i128;
            let t = inverse_root(&row, eps, 54);
            assert!(t * t * v <= 1 << 54 && (t + 1) * (t + 1) * v > 1 << 54);
        }
    }
    assert_eq!(inverse_root(&[0, 0], 1, 54), 1 << 27);
}

#[test]
fn softmax_rows_sum_to_one_and_order_is_kept() {
    let mut rng = Rng(4);
    let exp: Vec<i16> = (0..FUNC_SIZE)
        .map(|u| (32767.0 * (-(u as f64) / 1462.0).exp()).round() as i16)
        .collect();
    for n in [1usize, 2, 7, 64] {
        for _ in 0..200 {
            let row = rng.acts(n);
            let open: Vec<bool> = (0..n)
                .map(|i| i == 0 || rng.next().is_multiple_of(3))
                .collect();
            let s = softmax_row(&row, |i| open[i], 23_392, &exp);
            let p = |i: usize| wide(s.e[i] as i128 * s.inv).expect("at most 2^14").0;
            let total: i64 = (0..n).map(p).sum();
            assert!((total - (1 << 14)).abs() <= n as i64, "{total}");
            for i in 0..n {
                assert!(open[i] || p(i) == 0);
                for j in (0..n).filter(|&j| open[i] && open[j] && row[i] >= row[j]) {
                    assert!(p(i) >= p(j));
                }
            }
        }
    }
}

fn tensor(shape: &[usize]) -> Tensor {
    Tensor {
        name: "t".into(),
        shape: shape.to_vec(),
        scale: Scale(0),
    }
}

/// A program of one op over `[2, 3]` that writes `[2, out]`.
fn program(kind: impl Fn(TensorId, TensorId) -> OpKind, out: usize) -> Program {
    let (x, y) = (TensorId(0), TensorId(1));
    Program {
        tensors: vec![tensor(&[2, 3]), tensor(&[2, out])],
        tables: vec![Table {
            name: "all ones".into(),
            values: vec![1; FUNC_SIZE],
        }],
        ops: vec![Op {
            name: "op".into(),
            kind: kind(x, y),
        }],
        inputs: vec![x],
        hints: vec![],
        outputs: vec![y],
        task: Task::Infer,
    }
}

fn linear(weight: i32, rows: usize, mul: i64) -> Program {
    let kind = |x, out| OpKind::Linear {
        x,
        w: Matrix {
            rows,
            cols: 2,
            data: vec![weight; rows * 2],
        },
        bias: Some(vec![1 << 40, 0]),
        mul,
        bits: ClampBits::Act,
        out,
    };
    program(kind, 2)
}

fn refused(program: &Program) -> String {
    program.validate().expect_err("must be refused").to_string()
}

#[test]
fn linear_is_the_exact_sum() {
    let p = linear(7, 3, 1 << 16);
    p.validate().unwrap();
    let mut p = p;
    if let OpKind::Linear { bias, .. } = &mut p.ops[0].kind {
        *bias = Some(vec![5, -5]);
    }
    let trace = execute(&p, &[(TensorId(0), vec![1, 2, 3, -1, -2, -3])]).unwrap();
    assert_eq!(trace.get(TensorId(1)), [47, 37, -37, -47]);
}

#[test]
fn overflow_names_op_tensor_value_and_range() {
    let p = linear(7, 3, 1 << 16);
    let error = execute(&p, &[(TensorId(0), vec![0; 6])]).unwrap_err();
    assert!(
        matches!(&error, ExecError::Overflow { op, tensor, index: 0, low: -32768, high: 32767, .. }
            if op == "op" && tensor == "t"),
        "{error}"
    );
}

#[test]
fn malformed_programs_are_refused_not_panicked_on() {
    assert!(refused(&linear(1, 2, 1)).contains("columns of the operand"));
    assert!(refused(&linear(1, 3, 0)).contains("multiplier 0"));
    let mut huge = linear(1, 3, 1);
    huge.tensors[0].shape = vec![1 << 40, 1 << 40];
    assert!(refused(&huge).contains("2^31"));
    huge.tensors[0].shape = vec![usize::MAX, 0];
    assert!(refused(&huge).contains("empty"));
    let mut order = linear(1, 3, 1);
    order.inputs.clear();
    assert!(refused(&order).contains("not defined yet"));
    let mut twice = linear(1, 3, 1);
    twice.ops.push(twice.ops[0].clone());
    assert!(refused(&twice).contains("a second time"));
    let mut missing = linear(1, 3, 1);
    missing.outputs = vec![TensorId(9)];
    assert!(refused(&missing).contains("never written"));
    let mut task = linear(1, 3, 1);
    task.task = Task::Generate {
        seq_len: 4,
        vocab: 2,
        sequence: TensorId(0),
        argmax: TensorId(77),
    };
    assert!(refused(&task).contains("elements of a tensor of the task"));
    let lookup = |x, out| OpKind::Lookup {
        x,
        table: TableId(3),
        out,
    };
    assert!(refused(&program(lookup, 3)).contains("no table 3"));
    let wired = |x, out| OpKind::Rearrange {
        sources: vec![x],
        map: vec![
            Source::Cell {
                tensor: 0,
                index: 6
            };
            6
        ],
        out,
    };
    assert!(refused(&program(wired, 3)).contains("no source"));
    let softmax = |x, out| OpKind::Softmax {
        x,
        allowed: Some(vec![true, true, true, false, false, false]),
        mul: 1,
        exp: TableId(0),
        out,
    };
    assert!(refused(&program(softmax, 3)).contains("row 1 is masked whole"));
    let coefs = |a, out| OpKind::Elementwise {
        a,
        b: None,
        coefs: Coefs::uniform(0, i64::MAX, 0, 0),
        form: Form::Wide,
        out,
    };
    assert!(refused(&program(coefs, 3)).contains("over 2^62"));
}
