//! Lies about digits and scalars.

use super::{Forger, Lie};
use crate::{
    Witness,
    block::{Kind, plain},
};
use halo2_base::halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

pub(super) fn all() -> Vec<Lie> {
    vec![
        swapped_points(),
        negated_entries(),
        wrong_digit(),
        wrong_digit_another_zero(),
        wrong_digit_rest_forged(),
        wrong_digit_scalar_changed_on_the_way(),
        wrong_digit_compensating_scalar(),
        swapped_windows(),
        cancelled_weights(),
        fraction_forged("a digit's fraction", "fraction.digit", Kind::Digit),
        fraction_forged("an entry's fraction", "fraction.entry", Kind::Entry),
        fraction_forged("a fraction where none is", "fraction.none", Kind::Double),
    ]
}

pub(super) fn swapped_points() -> Lie {
    let mut forger = Forger::random(2);
    forger.plan.entries.swap(0, 1);
    forger.lie(
        "digits add the other point",
        &["logup.edge"],
        forger.follow(),
    )
}

fn negated_entries() -> Lie {
    let mut forger = Forger::random(2);
    forger.plan.entries[0] = forger.plan.entries[0].map(|p| -p);
    forger.lie("digits add the negative", &["logup.edge"], forger.follow())
}

/// Digits of another scalar: `left` is what the chain of the table does not account for.
fn wrong_digits() -> (Forger, Witness, usize, Fr) {
    let mut forger = Forger::random(1);
    forger.plan.digits[0][5].negate ^= true;
    let witness = forger.follow();
    let last = forger.block(Kind::LastEntry);
    let left = forger.get(&witness, last, plain::REST);
    assert_ne!(left, Fr::ZERO);
    (forger, witness, last, left)
}

fn wrong_digit() -> Lie {
    let (forger, witness, ..) = wrong_digits();
    forger.lie("wrong digit", &["copy.zero"], witness)
}

fn wrong_digit_another_zero() -> Lie {
    let (forger, mut witness, _, left) = wrong_digits();
    forger.set(&mut witness, 0, plain::ZERO, left);
    forger.lie("wrong digit, zero is not 0", &["constant.zero"], witness)
}

fn wrong_digit_rest_forged() -> Lie {
    let (forger, mut witness, last, _) = wrong_digits();
    forger.set(&mut witness, last, plain::REST, Fr::ZERO);
    forger.lie("wrong digit, rest set to 0", &["scalar.rest"], witness)
}

fn wrong_digit_scalar_changed_on_the_way() -> Lie {
    let (forger, mut witness, last, left) = wrong_digits();
    let before = forger.get(&witness, last, plain::SCALAR);
    forger.set(&mut witness, last, plain::SCALAR, before - left);
    forger.set(&mut witness, last, plain::REST, Fr::ZERO);
    forger.lie(
        "wrong digit, rest replaced between entries",
        &["copy.rest"],
        witness,
    )
}

fn wrong_digit_compensating_scalar() -> Lie {
    let mut forger = Forger::random(1);
    forger.plan.digits[0][5].negate ^= true;
    forger.account();
    let mut lie = forger.lie(
        "wrong digit, compensating scalar",
        &["outer"],
        forger.follow(),
    );
    let scalar = forger.layout.scalar(0, 0);
    let told = lie.outer.iter_mut().find(|(at, _)| *at == scalar).unwrap();
    told.1 = forger.inputs[0][0].1;
    lie
}

fn swapped_windows() -> Lie {
    let mut forger = Forger::random(1);
    forger.plan.digits[0].swap(3, 4);
    forger.lie("swapped windows", &["copy.zero"], forger.follow())
}

/// The honest digits' weights for other digits: Σ v·W is the scalar all the same.
fn weights_of_other_digits() -> (Forger, Witness) {
    let forger = Forger::random(1);
    let mut witness = forger.follow();
    let entries = [forger.block(Kind::Point), forger.block(Kind::Entry)];
    // 1·(+3) + 3·(−1) = 0
    for (block, change) in entries.into_iter().zip([Fr::from(3), -Fr::ONE]) {
        let weight = forger.get(&witness, block, plain::WEIGHT);
        forger.set(&mut witness, block, plain::WEIGHT, weight + change);
    }
    let first = forger.get(&witness, entries[0], plain::REST) - Fr::from(3);
    forger.set(&mut witness, entries[0], plain::REST, first);
    forger.set(&mut witness, entries[1], plain::SCALAR, first);
    (forger, witness)
}

fn cancelled_weights() -> Lie {
    let (forger, witness) = weights_of_other_digits();
    forger.lie(
        "weights that cancel in the scalar",
        &["logup.edge"],
        witness,
    )
}

fn fraction_forged(name: &'static str, refused_by: &'static str, kind: Kind) -> Lie {
    let (forger, witness) = weights_of_other_digits();
    let mut lie = forger.lie(name, &[refused_by], witness);
    lie.closing = Some(forger.block(kind));
    lie
}
