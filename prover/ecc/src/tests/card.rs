//! The cards' figures.

use crate::{EccConfig, Width, gates::DEGREE, params::RESERVED_ROWS};
use halo2_base::halo2_proofs::{halo2curves::bn256::Fr, plonk::ConstraintSystem};

#[test]
fn the_constraint_system_is_as_the_cards_say() {
    // width, advice columns, columns in the permutation, constraints
    let cards = [
        (Width::W5, 11, 1),
        (Width::W10, 18, 2),
        (Width::W20, 33, 3),
        (Width::W40, 63, 4),
    ];
    for (width, advice, permutation) in cards {
        let mut cs = ConstraintSystem::<Fr>::default();
        let config = EccConfig::configure_some(&mut cs, width, &|_| true);
        assert_eq!(cs.degree(), DEGREE);
        assert_eq!(cs.num_advice_columns(), advice, "{width:?}");
        assert_eq!((cs.num_fixed_columns(), cs.num_challenges()), (6, 3));
        assert_eq!(
            cs.permutation().get_columns().len(),
            permutation,
            "{width:?}"
        );
        assert_eq!(cs.lookups().len(), 0);
        assert!(cs.blinding_factors() < RESERVED_ROWS);
        let names: Vec<&str> = cs.gates().iter().map(|gate| gate.name()).collect();
        assert_eq!(
            names,
            [
                "abscissa",
                "apart",
                "ordinate",
                "relation",
                "curve",
                "canonical",
                "materialise",
                "constant",
                "fraction",
                "scalar",
                "sign",
                "logup"
            ]
        );
        let constraints: usize = cs.gates().iter().map(|gate| gate.polynomials().len()).sum();
        assert_eq!(
            constraints,
            3 + 2 + 4 + 5 + 5 + 2 + 9 + 13 + 3 + 1 + 2 + 2 + config.helpers.len()
        );
    }
}

#[test]
fn every_gate_has_the_degree_of_its_card() {
    let mut cs = ConstraintSystem::<Fr>::default();
    EccConfig::configure_some(&mut cs, Width::W10, &|_| true);
    let degrees: Vec<usize> = cs
        .gates()
        .iter()
        .map(|gate| gate.polynomials().iter().map(|p| p.degree()).max().unwrap())
        .collect();
    assert_eq!(degrees, [5, 5, 5, 5, 4, 4, 4, 3, 5, 5, 5, 5]);
}
