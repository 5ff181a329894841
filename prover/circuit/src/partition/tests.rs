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

/// Fewest rows of domains; each segment costs something too.
fn domains(spans: &[SpanSize]) -> Option<[f64; 2]> {
    let cost = |span: &SpanSize| f64::from(span.k).exp2() + 1.0;
    Some([spans.iter().map(cost).sum::<f64>(), 0.0])
}

fn tensor(name: &str, shape: &[usize]) -> Tensor {
    Tensor {
        name: name.into(),
        shape: shape.to_vec(),
        scale: Scale(0),
    }
}

/// An embedding of over 2^17 rows cannot be cut: the error says what it takes, and that works.
#[test]
fn domains_that_are_too_small_name_the_smallest_that_work() {
    let mut program = program();
    let table = Matrix {
        rows: 1 << 15,
        cols: 121,
        data: vec![1; 121 << 15],
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
    for policy in [SegmentPolicy::Auto, SegmentPolicy::PerLayer] {
        let error = plan(&program, policy, 17, &domains).unwrap_err();
        let CircuitError::Domain {
            max_k: 17,
            smallest: 18,
        } = error
        else {
            panic!("{policy:?}: {error}")
        };
        let plan = plan(&program, policy, 18, &domains).unwrap().unwrap();
        assert_eq!(plan.segments.iter().map(|s| s.k).max(), Some(18));
    }
}

#[test]
fn the_price_decides() {
    let program = program();
    let number = |price: &Price<'_>| {
        let plan = plan(&program, SegmentPolicy::Auto, MAX_K, price).unwrap()?;
        assert_eq!(plan.considered[plan.chosen].len(), plan.segments.len());
        check_partition(&program, &plan.segments).unwrap();
        Some(plan.segments.len())
    };
    assert_eq!(number(&domains), Some(1));
    assert_eq!(number(&|spans| Some([-(spans.len() as f64), 0.0])), Some(5));
    // The second figure counts among equals only.
    let second = |spans: &[SpanSize]| Some([0.0, (spans.len() as f64 - 3.0).abs()]);
    assert_eq!(number(&second), Some(3));
    let at_least_two = |spans: &[SpanSize]| Some([spans.len() as f64, 0.0]).filter(|c| c[0] > 1.0);
    assert_eq!(number(&at_least_two), Some(2));
    assert_eq!(number(&|_| None), None);
}

#[test]
fn cuts_can_be_given() {
    let program = program();
    let segments = cut_at(&program, &[0, 3, 8]).unwrap();
    check_partition(&program, &segments).unwrap();
    assert_eq!(segments[1].ops, 3..8);
    for cuts in [
        &[][..],
        &[0],
        &[0, 3],
        &[0, 3, 3, 8],
        &[0, 4, 3, 8],
        &[0, 9],
    ] {
        cut_at(&program, cuts).unwrap_err();
    }
}

/// `head` filler ops; a product of 6,000 table arguments; their function (no rows while it stands beside the product, two an
/// element behind a cut); the sum of both; a product to 120 values; `tail` filler ops. A filler op has 500 rows.
fn fused(head: usize, tail: usize) -> Program {
    const WIDE: usize = 6000;
    let matrix = |rows: usize, cols: usize| Matrix {
        rows,
        cols,
        data: vec![1; rows * cols],
    };
    let mut program = Program {
        tensors: vec![tensor("u", &[500]), tensor("s", &[1, 120])],
        tables: vec![Table {
            name: "f".into(),
            values: vec![0; FUNC_SIZE],
        }],
        ops: vec![],
        inputs: vec![TensorId(0), TensorId(1)],
        hints: vec![],
        outputs: vec![],
        task: Task::Infer,
    };
    let (mut u, s) = (TensorId(0), TensorId(1));
    let mut push = |shape: &[usize], kind: &dyn Fn(TensorId) -> OpKind| {
        let out = TensorId(program.tensors.len() as u32);
        let name = format!("t{}", out.0);
        program.tensors.push(tensor(&name, shape));
        let kind = kind(out);
        program.ops.push(Op { name, kind });
        out
    };
    let sum = |a, b: Option<TensorId>, out| OpKind::Elementwise {
        a,
        b,
        coefs: Coefs::uniform(0, 1 << 16, i64::from(b.is_some()) << 16, 0),
        form: Form::Narrow(ClampBits::Act),
        out,
    };
    let linear = |x, w: Matrix, bits, out| OpKind::Linear {
        x,
        w,
        bias: None,
        mul: 1,
        bits,
        out,
    };
    for _ in 0..head {
        u = push(&[500], &|out| sum(u, None, out));
    }
    let weights = matrix(120, WIDE);
    let p = push(&[1, WIDE], &|out| {
        linear(s, weights.clone(), ClampBits::Func, out)
    });
    let table = TableId(0);
    let q = push(&[1, WIDE], &|out| OpKind::Lookup { x: p, table, out });
    let e = push(&[1, WIDE], &|out| sum(p, Some(q), out));
    let weights = matrix(WIDE, 120);
    let r = push(&[1, 120], &|out| {
        linear(e, weights.clone(), ClampBits::Act, out)
    });
    for _ in 0..tail {
        u = push(&[500], &|out| sum(u, None, out));
    }
    program.outputs = vec![r, u];
    program.validate().unwrap();
    program
}

/// Where a cut between a product and its function needs more rows than the estimate says, so that the estimated plan
/// would break its limit, the plan is made again.
#[test]
fn a_plan_whose_true_domains_are_too_large_is_made_again() {
    let true_k = |program: &Program, segments: &[Segment]| -> Vec<u32> {
        let rows = segments.iter().map(|s| build(program, s, None).unwrap());
        rows.map(|rows| crate::layout::domain_for(&rows)).collect()
    };
    let family = [138, 134, 130].map(|head| (100..176).step_by(4).map(move |tail| (head, tail)));
    for (head, tail) in family.into_iter().flatten() {
        let program = fused(head, tail);
        let planner = Planner::new(&program).unwrap();
        let Ok(estimated) = planner.best_cuts(2, 17) else {
            continue;
        };
        if planner.settle(&estimated).unwrap() {
            continue;
        }
        let ks = true_k(&program, &planner.segments(&estimated));
        assert_eq!(ks.iter().max(), Some(&18), "the estimate was right");
        let plan = plan(&program, SegmentPolicy::Auto, 17, &domains);
        let segments = plan.unwrap().unwrap().segments;
        let ks = true_k(&program, &segments);
        assert!(ks.iter().all(|&k| k == 17), "{ks:?}");
        assert!(segments.iter().map(|s| s.k).eq(ks));
        check_partition(&program, &segments).unwrap();
        return;
    }
    panic!("no program of the family shows the case");
}
