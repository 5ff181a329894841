//! What a cut commits to, and that nothing else passes for a partition.

use super::*;
use halocast_ir::*;

/// Eight ops on one row: `x` lives throughout, hint `h` is read by op 2 and op 6, the others read their predecessor.
fn program() -> Program {
    let shape = vec![4];
    let tensor = |name: String| Tensor {
        name,
        shape: shape.clone(),
        scale: Scale(0),
    };
    let names = ["x".to_owned(), "h".to_owned()].into_iter();
    let tensors = names.chain((0..8).map(|i| format!("t{i}"))).map(tensor);
    let op = |i: u32| {
        let (a, b) = match i {
            0 => (TensorId(0), None),
            2 | 6 => (TensorId(i + 1), Some(TensorId(1))),
            7 => (TensorId(i + 1), Some(TensorId(0))),
            _ => (TensorId(i + 1), None),
        };
        let (form, out) = (Form::Narrow(ClampBits::Act), TensorId(i + 2));
        let coefs = Coefs::uniform(0, 1 << 16, i64::from(b.is_some()) << 16, 0);
        Op {
            name: format!("op{i}"),
            kind: OpKind::Elementwise {
                a,
                b,
                coefs,
                form,
                out,
            },
        }
    };
    let program = Program {
        tensors: tensors.collect(),
        tables: vec![],
        ops: (0..8).map(op).collect(),
        inputs: vec![TensorId(0)],
        hints: vec![TensorId(1)],
        outputs: vec![TensorId(9)],
        task: Task::Infer,
    };
    program.validate().unwrap();
    program
}

#[test]
fn every_number_of_segments_up_to_one_an_op_is_possible() {
    let program = program();
    for n in 1..=8 {
        let segments = partition(&program, SegmentPolicy::Count(n)).unwrap();
        assert_eq!(segments.len(), n);
        check_partition(&program, &segments).unwrap();
    }
    for n in [0, 9] {
        partition(&program, SegmentPolicy::Count(n)).unwrap_err();
    }
}

#[test]
fn a_hint_is_loaded_once_and_crosses_the_cuts_to_its_last_reader() {
    let program = program();
    let segments = partition(&program, SegmentPolicy::Count(8)).unwrap();
    let (x, h) = (TensorId(0), TensorId(1));
    for (at, segment) in segments.iter().enumerate() {
        assert_eq!(segment.hints.contains(&h), at == 2, "segment {at}");
        assert_eq!(segment.inputs.contains(&h), (3..=6).contains(&at));
        assert_eq!(segment.outputs.contains(&h), (2..=5).contains(&at));
        assert!(segment.inputs.contains(&x));
    }
}

#[test]
fn other_segments_are_refused() {
    let program = program();
    let good = partition(&program, SegmentPolicy::Count(4)).unwrap();
    type Lie = fn(&mut Vec<Segment>);
    let lies: [(&str, Lie); 10] = [
        ("last op dropped", |s| s[3].ops.end -= 1),
        ("first op dropped", |s| s[0].ops.start += 1),
        ("op skipped", |s| s[2].ops.start += 1),
        ("op twice", |s| s[1].ops.end += 1),
        ("past the end", |s| s[3].ops.end += 5),
        ("segment missing", |s| drop(s.remove(1))),
        ("tensors of a cut swapped on one side", |s| {
            s[2].inputs.swap(0, 1)
        }),
        ("tensor not passed on", |s| s[1].outputs.truncate(1)),
        ("hint loaded twice", |s| s[3].hints.push(TensorId(1))),
        ("domain out of bounds", |s| s[0].k = 64),
    ];
    for (what, lie) in lies {
        let mut bad = good.clone();
        lie(&mut bad);
        let error = check_partition(&program, &bad).expect_err(what);
        assert!(
            matches!(error, CircuitError::Partition { .. }),
            "{what}: {error}"
        );
    }
    check_partition(&program, &[]).unwrap_err();
}

/// An embedding of over 2^17 rows cannot be cut: the error says what it takes, and that works.
#[test]
fn a_budget_that_is_too_small_names_the_smallest_that_works() {
    let gib = |n: u64| n << 30;
    assert_eq!(largest_k_within(gib(1)).unwrap(), 17);
    assert_eq!(largest_k_within(gib(3)).unwrap(), 19);
    let error = largest_k_within(gib(1) / 2).unwrap_err();
    assert!(
        error.to_string().contains("512 MiB is too small"),
        "{error}"
    );

    let mut program = program();
    let table = Matrix {
        rows: 1 << 15,
        cols: 121,
        data: vec![1; 121 << 15],
    };
    let tensor = |name: &str, shape: &[usize]| Tensor {
        name: name.into(),
        shape: shape.to_vec(),
        scale: Scale(0),
    };
    program
        .tensors
        .extend([tensor("ids", &[2]), tensor("e", &[2, 121])]);
    let [ids, out] = [10, 11].map(TensorId);
    program.inputs.push(ids);
    program.outputs.push(out);
    program.ops.push(Op {
        name: "embed".into(),
        kind: OpKind::Gather { ids, table, out },
    });
    program.validate().unwrap();
    let error = partition(&program, SegmentPolicy::Cheapest(17)).unwrap_err();
    let CircuitError::Domain {
        max_k: 17,
        smallest,
        ..
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(smallest, 18);
    let segments = partition(&program, SegmentPolicy::Cheapest(smallest)).unwrap();
    assert_eq!(segments.iter().map(|s| s.k).max(), Some(smallest));
}
