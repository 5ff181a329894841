//! Lanes against the same tape one row at a time: terms whose sums reach what lanes hold, and that are reduced for it.

use super::*;
use crate::graph::Graph;
use crate::without_lanes;
use halo2_base::halo2_proofs::halo2curves::ff::PrimeField;
use halo2_base::halo2_proofs::plonk::ConstraintSystem;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Rows of a column: two blocks of the plain tape and half of one.
const LEN: usize = 160;
const COLUMNS: usize = 12;
/// Rotations within vectors and blocks, across them, and around both ends.
const ROTATIONS: [i32; 11] = [0, 1, -1, 7, -8, 33, -63, 159, -159, 160, -161];

/// The largest in memory, p − 1, is that of −2^(−256); zeros, for differences; and random ones.
fn columns() -> Vec<Vec<Fr>> {
    let mut rng = StdRng::seed_from_u64(11);
    let largest = -Fr::TWO_INV.pow_vartime([256]);
    let mut value = |column: usize, row: usize| match (column, row % 5) {
        (0, _) => largest,
        (1, _) => Fr::ZERO,
        (_, 0) => largest,
        (c, 1) => [Fr::ZERO, largest][c % 2],
        (c, 2) => [largest, Fr::ZERO][c % 2],
        _ => Fr::random(&mut rng),
    };
    let column = |c: usize| (0..LEN).map(|row| value(c, row)).collect();
    (0..COLUMNS).map(column).collect()
}

/// What the steps of a tape reduce: of sums, differences and products, the first operand and the second.
fn reductions(tape: &LanesTape) -> [[bool; 2]; 3] {
    let mut found = [[false; 2]; 3];
    for step in &tape.steps {
        let kind = match step.action {
            Action::Add => 0,
            Action::Sub(_) => 1,
            Action::Mul => 2,
        };
        found[kind][0] |= step.a.reduce;
        found[kind][1] |= step.b.reduce;
    }
    found
}

/// Evaluates a term both ways.
fn agrees(graph: &Graph<'_>, root: usize, what: &str) -> [[bool; 2]; 3] {
    let tape = Tape::of(graph, root);
    let columns = columns();
    let columns = Columns {
        all: columns.iter().map(Vec::as_slice).collect(),
    };
    let (mut lanes, mut plain) = (vec![Fr::ONE; LEN], vec![Fr::ZERO; LEN]);
    tape.evaluate(&columns, &mut lanes);
    tape.evaluate_plainly(&columns, &mut plain);
    assert_eq!(lanes, plain, "{what}");
    reductions(&LanesTape::new(&tape, LEN).expect("rows for lanes"))
}

/// A sum of columns, rotated this way and that.
fn sum(graph: &mut Graph<'_>, terms: usize, from: usize) -> usize {
    let mut total = graph.constant(Fr::ZERO);
    for i in from..from + terms {
        let column = graph.column(i % COLUMNS, ROTATIONS[i % ROTATIONS.len()]);
        total = graph.add(total, column);
    }
    total
}

/// The sum of so many times the column whose values are the largest in memory.
fn largest_sum(graph: &mut Graph<'_>, terms: usize) -> usize {
    let column = graph.column(0, 0);
    (1..terms).fold(column, |total, _| graph.add(total, column))
}

/// The largest sum that lanes hold, 84·(p − 1): five columns and four constants that are p − 1 as lanes have them.
fn full_sum(graph: &mut Graph<'_>) -> usize {
    let sum = largest_sum(graph, (LARGEST / COLUMN) as usize);
    let constant = graph.constant(-Fr::TWO_INV.pow_vartime([260]));
    (0..LARGEST % COLUMN).fold(sum, |sum, _| graph.add(sum, constant))
}

/// Only the product of two full sums is too large: of equal operands the first is reduced.
const ALL: [[bool; 2]; 3] = [[true, true], [true, true], [true, false]];

fn both(a: [[bool; 2]; 3], b: [[bool; 2]; 3]) -> [[bool; 2]; 3] {
    std::array::from_fn(|kind| [0, 1].map(|i| a[kind][i] || b[kind][i]))
}

#[test]
fn large_sums_products_and_differences_agree() {
    if without_lanes::skips("large_sums_products_and_differences_agree") {
        return;
    }
    let cs = ConstraintSystem::default();
    let mut found = [[false; 2]; 3];
    for left in [1, 2, 5, 6, 11, 40] {
        for right in [1, 4, 5, 6, 23] {
            let mut graph = Graph::new(&cs, &[]);
            let (zero, full) = (graph.column(1, 3), full_sum(&mut graph));
            let square = graph.mul(full, full);
            let pairs = [
                (sum(&mut graph, left, 0), sum(&mut graph, right, 5)),
                (
                    largest_sum(&mut graph, left),
                    largest_sum(&mut graph, right),
                ),
                (zero, largest_sum(&mut graph, right)),
                (zero, full_sum(&mut graph)),
                (full_sum(&mut graph), largest_sum(&mut graph, right)),
                (full_sum(&mut graph), square),
            ];
            for (a, b) in pairs {
                let roots = [
                    graph.add(a, b),
                    graph.sub(a, b),
                    graph.sub(b, a),
                    graph.mul(a, b),
                ];
                for (i, root) in roots.into_iter().enumerate() {
                    let what = format!("{left} and {right} columns, {i}");
                    found = both(found, agrees(&graph, root, &what));
                }
            }
        }
    }
    assert_eq!(found, ALL, "reductions that no term asked for");
}

#[test]
fn random_terms_agree() {
    if without_lanes::skips("random_terms_agree") {
        return;
    }
    let cs = ConstraintSystem::default();
    let mut found = [[false; 2]; 3];
    for seed in 0..60 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut graph = Graph::new(&cs, &[]);
        let mut terms: Vec<usize> = (0..8)
            .map(|i| {
                graph.column(
                    rng.gen_range(0..COLUMNS),
                    ROTATIONS[(i + seed as usize) % 11],
                )
            })
            .collect();
        terms.extend([Fr::ONE, -Fr::ONE, Fr::random(&mut rng)].map(|c| graph.constant(c)));
        for _ in 0..rng.gen_range(1..120) {
            // Among the last, so that terms grow.
            let mut pick = || terms[terms.len() - 1 - rng.gen_range(0..terms.len().min(12))];
            let (a, b) = (pick(), pick());
            terms.push(match rng.gen_range(0..5) {
                0 | 1 => graph.add(a, b),
                2 | 3 => graph.sub(a, b),
                _ => graph.mul(a, b),
            });
        }
        let root = terms[terms.len() - 1];
        found = both(found, agrees(&graph, root, &format!("seed {seed}")));
    }
    assert_eq!(found, ALL, "reductions that no term asked for");
}

/// Terms without an instruction.
#[test]
fn columns_and_constants_agree() {
    if without_lanes::skips("columns_and_constants_agree") {
        return;
    }
    let cs = ConstraintSystem::default();
    let mut graph = Graph::new(&cs, &[]);
    for rotation in ROTATIONS {
        let column = graph.column(2, rotation);
        agrees(&graph, column, &format!("rotated by {rotation}"));
    }
    let constant = graph.constant(-Fr::from(5));
    agrees(&graph, constant, "a constant");
}
