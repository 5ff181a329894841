//! Einsum of every class of axes, against the sum written out.

use super::{Model, assert_close, numbers, operators, run, text};

/// The sum over all letters, the slow way. Each operand: letters and data; a letter's length is in `lengths`.
fn naive(operands: [(&str, &[f32]); 2], output: &str, lengths: &[(char, usize)]) -> Vec<f32> {
    let length = |c: char| {
        lengths
            .iter()
            .find(|(l, _)| *l == c)
            .expect("a known letter")
            .1
    };
    let mut y = vec![0.0; output.chars().map(length).product()];
    let total: usize = lengths.iter().map(|(_, n)| n).product();
    for mut rest in 0..total {
        let mut position = Vec::new();
        for &(letter, n) in lengths {
            position.push((letter, rest % n));
            rest /= n;
        }
        let at = |c: char| {
            position
                .iter()
                .find(|(l, _)| *l == c)
                .expect("a known letter")
                .1
        };
        let offset = |letters: &str| letters.chars().fold(0, |o, c| o * length(c) + at(c));
        y[offset(output)] += operands
            .iter()
            .map(|(l, data)| data[offset(l)])
            .product::<f32>();
    }
    y
}

fn check(a: &str, b: &str, output: &str, lengths: &[(char, usize)]) -> Vec<String> {
    let shape = |letters: &str| -> Vec<usize> {
        let length = |c: char| {
            lengths
                .iter()
                .find(|(l, _)| *l == c)
                .expect("a known letter")
                .1
        };
        letters.chars().map(length).collect()
    };
    let x = numbers(shape(a).iter().product());
    let w: Vec<f32> = numbers(shape(b).iter().product())
        .iter()
        .map(|v| v * 0.7 - 0.1)
        .collect();
    let graph = Model::default()
        .input("x", &shape(a))
        .weight("w", &shape(b), &w)
        .node_with(
            "Einsum",
            &["x", "w"],
            "y",
            vec![text("equation", &format!("{a},{b}->{output}"))],
        )
        .import()
        .expect("a product");
    assert_eq!(graph.values[graph.outputs[0].0].shape, shape(output));
    assert_close(
        &run(&graph, &x),
        &naive([(a, &x), (b, &w)], output, lengths),
    );
    operators(&graph)
}

#[test]
fn products_of_all_classes() {
    let lengths = [('a', 1), ('b', 2), ('m', 3), ('k', 4), ('n', 5), ('l', 2)];
    check("mk", "kn", "mn", &lengths[2..5]);
    check("bmk", "bkn", "bmn", &lengths[1..5]);
    check("bmk", "nk", "bmn", &lengths[1..5]);
    check("bmk", "kn", "nbm", &lengths[1..5]);
    check("mkl", "kln", "mn", &lengths[2..]);
    check("mkl", "nlk", "nm", &lengths[2..]);
    check("mbk", "bkn", "mn", &lengths[1..5]);
    check("bmk", "nl", "bmnl", &lengths[1..]);
}

#[test]
fn letters_of_one_operand_are_summed() {
    check("mkl", "kn", "mn", &[('m', 3), ('k', 4), ('l', 2), ('n', 5)]);
    check("mk", "nk", "m", &[('m', 3), ('k', 4), ('n', 5)]);
}

#[test]
fn a_batch_of_one_needs_no_reshape() {
    let ops = check(
        "amk",
        "kn",
        "amn",
        &[('a', 1), ('m', 3), ('k', 4), ('n', 5)],
    );
    assert_eq!(ops, ["MatMul"]);
}
