//! The numerator's way from snark-verifier's expression through graph and program, at random values.

use super::stored_vk;
use crate::{
    dag::{Dag, Leaf},
    expression::{Expression, Query},
    program::Program,
    shape::Shape,
};
use halo2_base::halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    hash::Hash,
};

/// Random, and the same for the same key.
struct Values<K>(RefCell<HashMap<K, Fr>>);

impl<K: Eq + Hash> Values<K> {
    fn get(&self, key: K) -> Fr {
        let random = || Fr::random(rand::rngs::OsRng);
        *self.0.borrow_mut().entry(key).or_insert_with(random)
    }
}

#[test]
fn graph_and_program_have_the_value_that_snark_verifier_computes() {
    for name in ["three-layers", "small", "wide", "six-layers"] {
        let vk = stored_vk(name);
        let values = Values(RefCell::default());
        let leaf = |leaf: Leaf| values.get(leaf);
        let expected = vk.protocol().quotient.numerator.evaluate(
            &|c| c,
            &|poly| match format!("{poly:?}").strip_prefix("Lagrange(") {
                None => leaf(Leaf::Identity),
                Some(row) => leaf(Leaf::Lagrange(row.trim_end_matches(')').parse().unwrap())),
            },
            &|query| {
                leaf(Leaf::Query(Query {
                    poly: query.poly,
                    rotation: query.rotation,
                }))
            },
            &|index| leaf(Leaf::Challenge(index)),
            &|a: Fr| -a,
            &|a, b| a + b,
            &|a, b| a * b,
            &|a, c| a * c,
        );
        let expression = Expression::numerator(vk.protocol()).unwrap();
        let (dag, root) = Dag::of(&expression);
        assert_eq!(dag.values(leaf)[root.index()], expected, "{name}: graph");
        let length = Program::length(&dag, root);
        for straight in [0, 1, length / 3, length - 1, length] {
            let program = Program::compile(&dag, root, straight);
            assert_eq!(program.instructions.len(), length - straight);
            assert_eq!(program.run(leaf), expected, "{name}: program");
        }
    }
}

#[test]
fn equal_subexpressions_are_one_node() {
    let query = |poly| Expression::Polynomial(Query::new(poly, 0));
    let sum = |a: Expression, b: Expression| Expression::Sum(a.into(), b.into());
    let product = |a: Expression, b: Expression| Expression::Product(a.into(), b.into());
    // (x + y)·(y + x) + 2·(x·3)·y
    let scaled = Expression::Scaled(query(0).into(), Fr::from(3));
    let expression = sum(
        product(sum(query(0), query(1)), sum(query(1), query(0))),
        Expression::Scaled(product(scaled, query(1)).into(), Fr::from(2)),
    );
    let (dag, root) = Dag::of(&expression);
    let program = Program::compile(&dag, root, 0);
    // x + y; x·y; 6·(x·y); (x + y)² + that
    assert_eq!(program.instructions.len(), 4);
    let value = |leaf| match leaf {
        Leaf::Query(q) if q.poly == 0 => Fr::from(5),
        _ => Fr::from(7),
    };
    assert_eq!(program.run(value), Fr::from(12 * 12 + 6 * 35));
}

#[test]
fn a_numerator_of_one_leaf_has_a_program() {
    let (dag, root) = Dag::of(&Expression::Challenge(0));
    assert_eq!(
        Program::compile(&dag, root, 0).run(|_| Fr::from(9)),
        Fr::from(9)
    );
}

#[test]
fn the_wide_circuit_is_as_wide_as_it_says() {
    let vk = stored_vk("wide");
    let shape = Shape::new(vk.protocol(), vk.deciding_key()).unwrap();
    assert!(
        shape.evaluations.len() >= 140,
        "{}",
        shape.evaluations.len()
    );
    assert!(shape.rotations.len() >= 16, "{}", shape.rotations.len());
    assert!(
        shape.rounds.len() >= 4,
        "two phases, permutation and lookups, quotient"
    );
    let (dag, root) = Dag::of(&shape.numerator);
    let program = Program::compile(&dag, root, 0);
    assert!(
        program.instructions.len() >= 1500,
        "{}",
        program.instructions.len()
    );
    assert!(program.temporaries < 200, "{}", program.temporaries);
}

#[test]
fn sets_are_disjoint_and_cover_all_queries() {
    for name in ["three-layers", "small", "wide", "six-layers"] {
        let vk = stored_vk(name);
        let shape = Shape::new(vk.protocol(), vk.deciding_key()).unwrap();
        let mut seen = HashSet::new();
        for set in &shape.sets {
            for &poly in &set.polys {
                assert!(set.rotations.iter().all(|&r| seen.insert((poly, r))));
            }
        }
        assert_eq!(seen.len(), shape.evaluations.len() + 1);
    }
}
