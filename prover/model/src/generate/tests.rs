//! The generation statement: what it accepts, and that each of its assertions bites.

use std::sync::Arc;

use halocast_ir::{
    ClampBits, Coefs, ExecError, Form, Op, OpKind, Program, Task, TensorId, execute,
};

use super::*;
use crate::quantize::tests::net::{Net, Rng, quantized};
use crate::{GraphOp, Unary, ValueId};

const T: usize = 8;
const V: usize = 16;
const D: usize = 8;

/// One attention layer of a random language model, with or without the causal mask.
fn model(causal: bool) -> Program {
    let mut rng = Rng(2024);
    let mut net = Net::new();
    let ids = net.tokens(&[1, T]);
    let table = net.constant(&[V, D], rng.normals(V * D, 1.0));
    let x = net.op(GraphOp::Gather, &[table, ids], &[1, T, D]);
    let mut project = |net: &mut Net, x: ValueId, m: usize, s: f32| {
        let w = net.constant(&[1, D, m], rng.normals(D * m, s));
        net.op(GraphOp::MatMul, &[x, w], &[1, T, m])
    };
    let (q, k) = (project(&mut net, x, D, 0.5), project(&mut net, x, D, 0.5));
    let v = project(&mut net, x, D, 0.7);
    let k = net.op(
        GraphOp::Transpose {
            perm: vec![0, 2, 1],
        },
        &[k],
        &[1, D, T],
    );
    let scores = net.op(GraphOp::MatMul, &[q, k], &[1, T, T]);
    let scores = net.unary(&[Unary::Affine(0.3, 0.0)], scores);
    let mask = (0..T * T).map(|i| i % T <= i / T).collect();
    let allowed = causal.then(|| Arc::new(mask));
    let p = net.like(GraphOp::Softmax { allowed }, &[scores]);
    let a = net.op(GraphOp::MatMul, &[p, v], &[1, T, D]);
    let x = net.like(GraphOp::Add, &[x, a]);
    let x = net.like(GraphOp::RmsNorm { eps: 1e-6 }, &[x]);
    let x = net.unary(&[Unary::GeluTanh], x);
    let logits = project(&mut net, x, V, 0.5);
    let graph = net.output(logits);
    quantized(&graph, &mut Rng(7), V).program
}

fn certified() -> Program {
    certify_generation(model(true)).expect("the model is causal")
}

/// Runs a claimed answer with one value changed: (which of the given tensors, element, new value).
fn claim(program: &Program, change: Option<(usize, usize, i32)>) -> Result<(), ExecError> {
    let prompt = [3, 1, 4];
    let answer = generate(program, &prompt, 3).expect("fits").answer;
    let mut given = assign(program, &prompt, &answer).expect("fits");
    if let Some((tensor, index, value)) = change {
        assert_ne!(given[tensor].1[index], value, "a lie must change something");
        given[tensor].1[index] = value;
    }
    execute(program, &given).map(|_| ())
}

fn broken(program: &Program, change: (usize, usize, i32)) -> String {
    match claim(program, Some(change)) {
        Err(ExecError::Assertion { op, .. }) => op,
        other => panic!("{change:?} gives {other:?}"),
    }
}

// Order of what is given: p, n, prompt, sequence, u, v.
const P: usize = 0;
const N: usize = 1;
const PROMPT: usize = 2;
const SEQUENCE: usize = 3;
const U: usize = 4;
const W: usize = 5;

#[test]
fn an_honest_run_is_accepted_and_states_prompt_and_answer() {
    let program = certified();
    let run = generate(&program, &[3, 1, 4], 3).unwrap();
    assert_eq!(run.answer.len(), 3);
    let answer: Vec<i32> = run.answer.iter().map(|&t| t as i32).collect();
    let expected = [&[0; 3][..], &answer, &[0; 2]].concat();
    assert_eq!(run.trace.get(program.outputs[0]), expected);
    assert_eq!(run.trace.get(program.inputs[2]), [3, 1, 4, 0, 0, 0, 0, 0]);
    let names = |ids: &[TensorId]| -> Vec<String> {
        ids.iter()
            .map(|&id| program.tensor(id).name.clone())
            .collect()
    };
    assert_eq!(names(&program.inputs), ["p", "n", "prompt"]);
    assert_eq!(names(&program.hints), ["sequence", "u", "v"]);
    assert_eq!(names(&program.outputs), ["answer"]);
    let Task::Generate {
        seq_len,
        vocab,
        sequence,
        argmax,
    } = program.task
    else {
        panic!("not a generation program")
    };
    assert_eq!((seq_len, vocab, sequence), (T, V, program.hints[0]));
    assert_eq!(run.trace.get(argmax)[2], answer[0]);
    claim(&program, None).unwrap();
}

#[test]
fn every_answer_is_the_models_arg_max() {
    let (model, program) = (model(true), certified());
    for first in 0..V as u32 {
        let run = generate(&program, &[first, 5], T - 2).unwrap();
        let Task::Generate { sequence, .. } = program.task else {
            panic!("not a generation program")
        };
        let tokens = run.trace.get(sequence).to_vec();
        let plain = execute(&model, &[(model.inputs[0], tokens.clone())]).unwrap();
        for t in 1..T - 1 {
            let row = &plain.get(model.outputs[0])[t * V..][..V];
            assert_eq!(halocast_ir::argmax(row) as i32, tokens[t + 1]);
        }
    }
}

#[test]
fn tokens_after_the_answer_do_not_matter() {
    let program = certified();
    for value in 1..V as i32 {
        for index in 6..T {
            claim(&program, Some((SEQUENCE, index, value))).unwrap();
        }
    }
}

#[test]
fn every_lie_is_refused_by_its_assertion() {
    let program = certified();
    assert_eq!(broken(&program, (P, 0, 2)), "generate/p");
    assert_eq!(broken(&program, (P, 0, 4)), "generate/p");
    assert_eq!(broken(&program, (N, 0, 2)), "generate/n");
    assert_eq!(broken(&program, (N, 0, -1)), "generate/n");
    assert_eq!(broken(&program, (PROMPT, 1, 2)), "generate/prompt");
    assert_eq!(broken(&program, (PROMPT, 4, 2)), "generate/prompt");
    assert_eq!(broken(&program, (SEQUENCE, 0, 2)), "generate/prompt");
    assert_eq!(broken(&program, (U, 0, 1)), "generate/u does not fall");
    assert_eq!(broken(&program, (U, 2, 1)), "generate/p");
    assert_eq!(broken(&program, (U, 3, 0)), "generate/p");
    assert_eq!(broken(&program, (U, 3, 2)), "generate/u is 0 or 1");
    assert_eq!(broken(&program, (U, 6, 0)), "generate/u does not fall");
    assert_eq!(broken(&program, (W, 6, 0)), "generate/n");
    assert_eq!(broken(&program, (W, 5, 1)), "generate/n");
    assert_eq!(broken(&program, (W, 6, -1)), "generate/v is 0 or 1");
    assert_eq!(broken(&program, (W, 4, 1)), "generate/v does not fall");
}

#[test]
fn an_answer_that_is_not_greedy_is_refused() {
    let program = certified();
    let run = generate(&program, &[3, 1, 4], 3).unwrap();
    for at in 0..3 {
        for token in (0..V as u32).filter(|&t| t != run.answer[at]) {
            let mut answer = run.answer.clone();
            answer[at] = token;
            let given = assign(&program, &[3, 1, 4], &answer).unwrap();
            let Err(ExecError::Assertion { op, index, .. }) = execute(&program, &given) else {
                panic!("token {token} at {at} is accepted")
            };
            assert_eq!((op.as_str(), index), ("generate/greedy", at + 2));
        }
    }
}

#[test]
fn a_program_that_lost_an_assertion_is_not_certified() {
    let good = certified();
    check_generation(&good).expect("as it was made");
    assert!(matches!(
        check_generation(&model(true)),
        Err(GenerateError::NotCertified)
    ));
    let mut refused = 0;
    for at in 0..good.ops.len() {
        let mut bad = good.clone();
        let removed = bad.ops.remove(at);
        if bad.validate().is_ok() {
            assert!(check_generation(&bad).is_err(), "without {}", removed.name);
            refused += 1;
        }
    }
    let asserts = |op: &&halocast_ir::Op| matches!(op.kind, OpKind::AssertZero { .. });
    assert!(refused >= good.ops.iter().filter(asserts).count());
    let mut swapped = good.clone();
    swapped.hints.swap(1, 2);
    check_generation(&swapped).unwrap_err();
}

#[test]
fn an_empty_prompt_and_a_falling_split_are_refused_in_the_statement() {
    let program = certified();
    let run = |p: i32, n: i32, u: [i32; T], v: [i32; T]| {
        let rows = [vec![p], vec![n], vec![0; T], vec![0; T], u.into(), v.into()];
        let ids = program.inputs.iter().chain(&program.hints).copied();
        let given: Vec<_> = ids.zip(rows).collect();
        match execute(&program, &given) {
            Err(ExecError::Assertion { op, .. }) => op,
            other => panic!("{other:?}"),
        }
    };
    let ones = [1; T];
    assert_eq!(run(0, 0, ones, ones), "generate/u starts with 0");
    let late = [0, 0, 0, 1, 1, 1, 1, 1];
    let early = [0, 1, 1, 1, 1, 1, 1, 1];
    assert_eq!(run(3, -2, late, early), "generate/v is below u");
}

#[test]
fn edges_of_length() {
    let program = certified();
    let full = generate(&program, &[1, 2], T - 2).unwrap();
    assert_eq!(full.answer.len(), T - 2);
    let whole = generate(&program, &[1; T], 0).unwrap();
    assert!(whole.answer.is_empty());
    assert_eq!(whole.trace.get(program.outputs[0]), [0; T]);
    assert!(generate(&program, &[1], 0).unwrap().answer.is_empty());
    assert!(matches!(
        generate(&program, &[], 1),
        Err(GenerateError::EmptyPrompt)
    ));
    let long = generate(&program, &[1, 2], T - 1);
    assert!(matches!(
        long,
        Err(GenerateError::TooLong {
            prompt: 2,
            answer: 7,
            seq_len: T
        })
    ));
    assert!(matches!(
        generate(&program, &[1, 2], usize::MAX),
        Err(GenerateError::TooLong { .. })
    ));
    let token = generate(&program, &[1, V as u32], 1);
    assert!(matches!(
        token,
        Err(GenerateError::Token {
            index: 1,
            vocab: V,
            ..
        })
    ));
    assert!(matches!(
        generate(&model(true), &[1], 1),
        Err(GenerateError::WrongTask)
    ));
}

#[test]
fn ties_go_to_the_lowest_token() {
    let mut flat = model(true);
    for op in &mut flat.ops {
        if let OpKind::Linear { w, bias, .. } = &mut op.kind
            && w.cols == V
        {
            w.data.fill(0);
            let mut b = vec![0; V];
            (b[5], b[9]) = (1 << 20, 1 << 20);
            *bias = Some(b);
        }
    }
    let program = certify_generation(flat).unwrap();
    let run = generate(&program, &[1], 4).unwrap();
    assert_eq!(run.answer, [5; 4]);
    let other = assign(&program, &[1], &[9]).unwrap();
    assert!(execute(&program, &other).is_err());
}

#[test]
fn models_that_look_ahead_are_refused() {
    let refused = certify_generation(model(false));
    let Err(GenerateError::NotCausal(NotCausal { position, token })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((position, token), (0, T - 1));
}

#[test]
fn the_static_analysis_agrees_with_perturbation() {
    let mut rng = Rng(5);
    let program = model(true);
    let base: Vec<i32> = (0..T).map(|_| rng.below(V) as i32).collect();
    let logits = |tokens: Vec<i32>| {
        let trace = execute(&program, &[(program.inputs[0], tokens)]).unwrap();
        trace.get(program.outputs[0]).to_vec()
    };
    let before = logits(base.clone());
    for at in 0..T {
        let mut other = base.clone();
        other[at] = (other[at] + 1) % V as i32;
        let after = logits(other);
        assert_eq!(
            before[..at * V],
            after[..at * V],
            "token {at} reaches earlier logits"
        );
        assert_ne!(
            before[at * V..],
            after[at * V..],
            "token {at} reaches nothing"
        );
    }
}

#[test]
fn other_interfaces_are_refused() {
    let refused = |program: Program| match certify_generation(program) {
        Err(GenerateError::Interface { what }) => what,
        other => panic!("{other:?}"),
    };
    assert!(refused(certified()).contains("already states a task"));
    let mut two = model(true);
    two.outputs.push(two.outputs[0]);
    assert!(refused(two).contains("2 outputs"));
    let mut shape = model(true);
    let logits = shape.outputs[0];
    shape.tensors[logits.0 as usize].shape = vec![T * V];
    assert!(refused(shape).contains("expected [1, 8, vocab]"));
    let mut blind = model(true);
    let gather = |op: &Op| matches!(op.kind, OpKind::Gather { .. });
    blind.ops.retain(|op| !gather(op));
    assert!(refused(blind).contains("no embedding"));
}

#[test]
fn an_embedding_of_another_vocabulary_is_refused() {
    for rows in [V - 1, V + 1] {
        let mut other = model(true);
        for op in &mut other.ops {
            if let OpKind::Gather { table, .. } = &mut op.kind {
                table.rows = rows;
                table.data.resize(rows * D, 0);
            }
        }
        let refused = certify_generation(other);
        assert!(
            matches!(refused, Err(GenerateError::EmbeddingRows { rows: r, vocab: V }) if r == rows),
            "{refused:?}"
        );
    }
}

/// A model in which token 0 makes a value that no clamp takes, and no other token does.
fn allergic_to_token_0() -> Program {
    let mut program = model(true);
    let mut embedded = None;
    for op in &mut program.ops {
        if let OpKind::Gather { table, out, .. } = &mut op.kind {
            let (zero, others) = table.data.split_at_mut(D);
            zero.fill(32_767);
            others.iter_mut().for_each(|x| *x /= 16);
            embedded = Some(*out);
        }
    }
    let a = embedded.expect("it embeds");
    let out = TensorId(program.tensors.len() as u32);
    program.tensors.push(program.tensor(a).clone());
    let form = Form::Narrow(ClampBits::Act);
    let coefs = Coefs::uniform(0, 8 << 16, 0, 0);
    let b = None;
    program.ops.push(Op {
        name: "allergy".into(),
        kind: OpKind::Elementwise {
            a,
            b,
            coefs,
            form,
            out,
        },
    });
    certify_generation(program).expect("the model is causal")
}

#[test]
fn padding_out_of_range_is_replaced_and_a_prompt_out_of_range_is_not() {
    let program = allergic_to_token_0();
    let overflow =
        |error: &ExecError| matches!(error, ExecError::Overflow { op, .. } if op == "allergy");
    let padded = assign(&program, &[3, 1, 4], &[]).unwrap();
    assert!(overflow(&execute(&program, &padded).unwrap_err()));

    let run = generate(&program, &[3, 1, 4], 2).unwrap();
    let Task::Generate { sequence, .. } = program.task else {
        panic!("not a generation program")
    };
    assert_eq!(run.trace.get(sequence)[5..], [10; T - 5]);
    assert_eq!(run.trace.get(program.inputs[2]), [3, 1, 4, 0, 0, 0, 0, 0]);

    for prompt in [&[3, 0, 4][..], &[0; T]] {
        let Err(GenerateError::Exec(error)) = generate(&program, prompt, 0) else {
            panic!("{prompt:?} is answered")
        };
        assert!(overflow(&error), "{error}");
    }
}
