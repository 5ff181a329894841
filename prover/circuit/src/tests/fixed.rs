//! The fixed columns that a key is made of, row by row, as `LayerCircuit` fills them: what the constraint system makes of the
//! selectors, and the rest against what the checker takes for them.

use super::checker::Checker;
use super::ops::all;
use super::selectors::{configured, polynomials, value_of};
use crate::circuit::LayerCircuit;
use crate::gates::{ALL, ENDS, Gates, LayerConfig, SELECTORS};
use crate::layout::Layout;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::ConstraintSystem;
use std::collections::HashMap;
use std::sync::Arc;

/// Columns by index, and the layout that they come from.
struct Filled {
    name: &'static str,
    layout: Arc<Layout>,
    fixed: Vec<Vec<Fr>>,
}

fn filled(config: &LayerConfig) -> impl Iterator<Item = Filled> + '_ {
    all().into_iter().map(|(name, case)| {
        let layout = Arc::new(case.layout().unwrap());
        let circuit = LayerCircuit {
            layout: layout.clone(),
        };
        let fixed = circuit.fixed(config);
        Filled {
            name,
            layout,
            fixed,
        }
    })
}

/// The gates that are on where the selector columns have these values.
fn switched_on(cs: &ConstraintSystem<Fr>, config: &LayerConfig, code: [Fr; SELECTORS]) -> Gates {
    ALL.into_iter().fold(Gates::default(), |on, gate| {
        let mut values = polynomials(cs, gate).map(|(s, _)| value_of(config, s, code));
        let first = values.next().expect("every gate has a polynomial") != Fr::ZERO;
        assert!(values.all(|v| (v != Fr::ZERO) == first), "{gate:?}");
        if first { on.with(gate) } else { on }
    })
}

/// As the rows were built; the end of the lookup argument on the last row, and nothing before it. Rows behind it, which blind,
/// are not filled at all (`proofs`: what keys have there is what halo2 has).
#[test]
fn gates_are_on_where_the_rows_say() {
    let (cs, config) = configured();
    let mut known = HashMap::new();
    for case in filled(&config) {
        let (name, gates, last) = (case.name, &case.layout.rows.gates, case.layout.last);
        assert_eq!(gates[..2], [ENDS; 2], "{name}");
        assert!(2 < gates.len() && gates.len() < last, "{name}");
        for row in 0..=last {
            let code = config.selectors.map(|c| case.fixed[c.index()][row]);
            let on = known.entry(code);
            let on = *on.or_insert_with(|| switched_on(&cs, &config, code));
            let idle = if row == last { ENDS } else { Gates::default() };
            let expected = gates.get(row).copied().unwrap_or(idle);
            assert_eq!(on, expected, "{name}: row {row} has {on}");
        }
        assert!(case.fixed.iter().all(|column| column.len() == last + 1));
    }
}

/// Every cell, but for three on the last row that nothing reads (there is no lookup argument on it).
#[test]
fn columns_are_those_of_the_checker() {
    let (cs, config) = configured();
    let checker = Checker::new();
    let idle = [config.tag, config.embed, config.table[1]].map(|column| column.index());
    for case in filled(&config) {
        let (name, last) = (case.name, case.layout.last);
        assert_eq!(case.fixed.len(), cs.num_fixed_columns(), "{name}");
        for (index, column) in case.fixed.iter().enumerate() {
            for (row, value) in column.iter().enumerate() {
                let unread = idle.iter().position(|&i| i == index && row == last);
                let expected = match unread {
                    Some(place) => Fr::from(place as u64 + 1),
                    None => checker.fixed(&case.layout, index, row),
                };
                assert_eq!(*value, expected, "{name}: column {index} row {row}");
            }
        }
    }
}

/// The lookup argument is on from the row after the first where S is 0 to the one before the last, and on no other.
#[test]
fn the_lookup_argument_has_no_gap() {
    let (_, config) = configured();
    for case in filled(&config) {
        let active = case.fixed[config.table[2].index()].iter().enumerate();
        for (row, active) in active {
            let inside = (1..case.layout.last).contains(&row);
            assert_eq!(*active != Fr::ZERO, inside, "{}: row {row}", case.name);
        }
    }
}

/// No commitment of a key is the point at infinity, no two are the same.
#[test]
fn fixed_columns_differ() {
    let (_, config) = configured();
    for Filled { name, fixed, .. } in filled(&config) {
        for (i, column) in fixed.iter().enumerate() {
            assert!(column.iter().any(|v| *v != Fr::ZERO), "{name}: {i}");
            assert!(
                fixed[..i].iter().all(|other| other != column),
                "{name}: {i}"
            );
        }
    }
}
