//! Many runs in one program. That every operator is repeated rightly is shown on random programs, circuit and all, by
//! `halocast-circuit`; here what a batch adds: rows of whole words, and slots that nobody uses.

use halocast_ir::{
    ACT_MIN, ClampBits, ExecError, Matrix, Op, OpKind, Program, Scale, Task, Tensor, TensorId,
    Trace, execute, pack,
};

fn tensor(name: &str, shape: &[usize]) -> Tensor {
    Tensor {
        name: name.into(),
        shape: shape.to_vec(),
        scale: Scale(0),
    }
}

/// `y = x·w` for x `[1, 17]`, beside a scalar `n` that is handed on.
fn program() -> Program {
    let w = Matrix {
        rows: 17,
        cols: 2,
        data: (0..34).map(|i| i - 16).collect(),
    };
    let linear = OpKind::Linear {
        x: TensorId(0),
        w,
        bias: Some(vec![3, -3]),
        mul: 1 << 16,
        bits: ClampBits::Act,
        out: TensorId(2),
    };
    Program {
        tensors: vec![
            tensor("x", &[1, 17]),
            tensor("n", &[]),
            tensor("y", &[1, 2]),
        ],
        tables: vec![],
        ops: vec![Op {
            name: "linear".into(),
            kind: linear,
        }],
        inputs: vec![TensorId(0), TensorId(1)],
        hints: vec![],
        outputs: vec![TensorId(2), TensorId(1)],
        task: Task::Infer,
    }
}

fn item(seed: i32) -> Vec<i32> {
    (0..18).map(|i| (i * seed) % 100 - 50).collect()
}

fn run(program: &Program, item: &[i32]) -> Trace {
    let (x, n) = item.split_at(17);
    let given = [(TensorId(0), x.to_vec()), (TensorId(1), n.to_vec())];
    execute(program, &given).unwrap()
}

#[test]
fn each_item_has_its_own_words() {
    let (single, items) = (program(), [item(3), item(7), item(7)]);
    let batch = single.batched(3).unwrap();
    batch.validate().unwrap();
    let rows = single.batched_inputs(&items);
    assert_eq!(rows.len(), 3 * 30);
    let trace = execute(&batch, &[(batch.inputs[0], rows)]).unwrap();
    let words = pack(&trace.concat(&batch.outputs));
    let given = pack(&trace.concat(&batch.inputs));
    for (i, item) in items.iter().enumerate() {
        let alone = run(&single, item);
        assert_eq!(words[i..=i], pack(&alone.concat(&single.outputs)));
        assert_eq!(given[2 * i..2 * i + 2], pack(item));
    }
    // The weights are there once.
    let linears = |p: &Program| {
        p.ops
            .iter()
            .filter(|op| op.kind.label() == "Linear")
            .count()
    };
    assert_eq!(linears(&batch), linears(&single));
}

#[test]
fn an_unused_slot_holds_nothing() {
    let single = program();
    let batch = single.batched(2).unwrap();
    let rows = single.batched_inputs(&[item(3), item(5)]);
    for at in (18..30).chain(48..60) {
        let mut rows = rows.clone();
        assert_eq!(rows[at], ACT_MIN as i32);
        rows[at] += 1;
        let error = execute(&batch, &[(batch.inputs[0], rows)]).unwrap_err();
        assert!(matches!(error, ExecError::Assertion { .. }), "{error}");
    }
}

#[test]
fn values_that_fill_their_words_leave_no_slots() {
    let mut single = program();
    single.inputs.pop();
    single.outputs.pop();
    single.tensors[0].shape = vec![1, 15];
    if let OpKind::Linear { w, .. } = &mut single.ops[0].kind {
        (w.rows, w.data) = (15, (0..30).collect());
    }
    let batch = single.batched(2).unwrap();
    batch.validate().unwrap();
    assert!(batch.ops.iter().all(|op| op.kind.label() != "AssertZero"));
}

#[test]
fn what_would_be_too_large_is_refused_before_it_is_built() {
    let mut single = program();
    single.tensors[0].shape = vec![1 << 23, 17];
    let error = single.batched(2).unwrap_err().to_string();
    assert!(error.contains("values of inputs"), "{error}");
    let mut single = program();
    single.tensors.push(tensor("idle", &[1 << 31]));
    single.validate().unwrap();
    let error = single.batched(2).unwrap_err().to_string();
    assert!(error.contains("tensor idle"), "{error}");
}
