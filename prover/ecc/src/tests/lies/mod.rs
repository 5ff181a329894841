//! Dishonest provers that are consistent in everything but one constraint. Each lie names the constraints that refuse it:
//! with them it is refused, by nothing else; without them it is accepted.
//!
//! | file | lies about |
//! |---|---|
//! | `tables` | how entries are built, off-curve tables |
//! | `scalars` | digits, weights, scalars, fractions |
//! | `chain` | start, end, chords, exceptional additions |
//! | `coordinates` | canonical form, the curve, ranges |
//! | `remainders` | the modular check: V = 0 mod r only, or mod 2^272 only |
//! | `logup` | phase 1 |
//!
//! Constraints without a lie of their own, and why:
//! * `lo` and `hi` of a check one by one: a lie that meets the other and `native` takes a search of more than 2^100 steps.
//!   `remainders` has lies against both, and against `native` alone.
//! * `double.sign`: a sign other than −1 scales y, and no such point continues on the curve, so the result's own relation
//!   refuses it as well. `cells` shows that the constraint sees a changed cell.
//! * `sign.bit`: it alone stops a forgery. Two tables look up points that no table offers, at two windows of weights ±1 and
//!   ∓16 (a "sign" of 17/2), so that the weights cancel; y is scaled too, and a root of a polynomial of degree 18 brings the
//!   sum back to the curve. An auditor solved that for one accumulator; it is not built here. `cells` shows that the constraint
//!   sees a changed cell.
//! * `logup.helper`, `logup.sum`: phase 1 only; see `logup`.

mod chain;
mod coordinates;
mod logup;
mod remainders;
mod scalars;
mod tables;

use super::{Inputs, checker::Checker, circuit::outer, layout, native, random_inputs};
use crate::{
    Layout, Position, Width, Witness,
    block::Kind,
    integer::Int,
    layout::PlainCell,
    params::WINDOWS,
    witness::{Digit, Plan, Step, steps},
};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Fq, Fr, G1Affine},
    ff::{Field, PrimeField},
};
use std::collections::HashSet;

/// Width of all lies.
const WIDTH: Width = Width::W5;

/// See above.
const WITHOUT_A_LIE: [&str; 4] = ["double.sign", "sign.bit", "logup.helper", "logup.sum"];

/// What a lying prover writes down, and what it wants the caller to believe.
pub(super) struct Lie {
    pub(super) name: &'static str,
    /// The constraints that refuse it.
    refused_by: Vec<&'static str>,
    pub(super) witness: Witness,
    pub(super) outer: Vec<(Position, Fr)>,
    layout: Layout,
    /// Block whose fraction closes the sum.
    closing: Option<usize>,
}

/// One job, from which lies are made.
struct Forger {
    layout: Layout,
    inputs: Inputs,
    plan: Plan,
}

const ABSCISSA: [&str; 3] = ["abscissa.hi", "abscissa.lo", "abscissa.native"];
const ORDINATE: [&str; 3] = ["ordinate.hi", "ordinate.lo", "ordinate.native"];
const RELATION: [&str; 3] = ["relation.hi", "relation.lo", "relation.native"];

impl Forger {
    fn new(inputs: Vec<(G1Affine, Fr)>) -> Self {
        Forger {
            layout: layout(WIDTH, &[inputs.len()]),
            plan: Plan::new(&inputs),
            inputs: vec![inputs],
        }
    }

    fn random(points: usize) -> Self {
        Self::new(random_inputs(&[points], 31).remove(0))
    }

    /// The generator, whose coordinates are 1 and 2.
    fn small_coordinates() -> Self {
        let scalar = random_inputs(&[1], 32)[0][0].1;
        Self::new(vec![(G1Affine::generator(), scalar)])
    }

    /// All digits are 1, so that no entry but the first is used.
    fn first_entries_only() -> Self {
        let mut forger = Self::random(1);
        forger.plan.digits[0] = [Digit {
            entry: 0,
            negate: false,
        }; WINDOWS];
        forger.account();
        forger
    }

    /// Scalars that the digits make.
    fn account(&mut self) {
        for (scalar, digits) in self.plan.scalars.iter_mut().zip(&self.plan.digits) {
            *scalar = digits.iter().rev().fold(Fr::ZERO, |sum, digit| {
                sum * Fr::from(16) + crate::layout::signed(digit.value())
            });
        }
    }

    fn steps(&self) -> Vec<Step> {
        let plans = std::slice::from_ref(&self.plan);
        steps(&self.layout, plans).unwrap().0
    }

    /// The first block of a kind.
    fn block(&self, kind: Kind) -> usize {
        self.blocks(kind)[0]
    }

    fn blocks(&self, kind: Kind) -> Vec<usize> {
        let blocks = self.layout.blocks.iter().enumerate();
        blocks
            .filter(|(_, b)| b.kind == kind)
            .map(|(i, _)| i)
            .collect()
    }

    /// Cells of the plan as it is.
    fn follow(&self) -> Witness {
        self.fill(&self.steps())
    }

    fn fill(&self, steps: &[Step]) -> Witness {
        Witness::from_steps(&self.layout, steps, vec![])
    }

    /// A lie about whatever the cells say: the caller is told what stands in them.
    fn lie(&self, name: &'static str, refused_by: &[&'static str], witness: Witness) -> Lie {
        let positions = outer(&self.layout, &self.inputs, &[G1Affine::generator()]);
        let told = positions
            .into_iter()
            .map(|(at, _)| (at, witness.plain[at.column][at.row]));
        Lie {
            name,
            refused_by: refused_by.to_vec(),
            outer: told.collect(),
            witness,
            layout: self.layout.clone(),
            closing: None,
        }
    }

    fn set(&self, witness: &mut Witness, block: usize, cell: usize, value: Fr) {
        let at = self.layout.position(PlainCell { block, cell });
        witness.plain[at.column][at.row] = value;
    }

    fn get(&self, witness: &Witness, block: usize, cell: usize) -> Fr {
        let at = self.layout.position(PlainCell { block, cell });
        witness.plain[at.column][at.row]
    }
}

fn to_fq(x: Int) -> Fq {
    let bytes: Vec<u8> = x.0.iter().flat_map(|w| w.to_le_bytes()).collect();
    let mut repr = <Fq as PrimeField>::Repr::default();
    repr.as_mut().copy_from_slice(&bytes);
    Fq::from_repr(repr).unwrap()
}

/// The honest prover of the same job: the forger's tools are not themselves at fault.
fn honest() -> Lie {
    let forger = Forger::random(2);
    let mut lie = forger.lie("the truth", &[], forger.follow());
    let result = native(&forger.inputs[0]);
    lie.outer = outer(&forger.layout, &forger.inputs, &[result]);
    lie
}

/// Lies about two points, for real proofs.
pub(super) fn samples() -> (Layout, Vec<Lie>) {
    let lies = vec![tables::wrong_entry(), scalars::swapped_points()];
    (lies[0].layout.clone(), lies)
}

/// All lies.
fn all() -> impl Iterator<Item = Lie> {
    tables::all()
        .into_iter()
        .chain(scalars::all())
        .chain(chain::all())
        .chain(coordinates::all())
        .chain(remainders::all())
}

#[test]
fn lies_are_refused_by_one_constraint_and_accepted_without_it() {
    let whole = Checker::new(WIDTH);
    let mut needed = HashSet::from(WITHOUT_A_LIE);
    for lie in std::iter::once(honest()).chain(all()) {
        let refusals = |checker: &Checker| {
            let all = 0..lie.layout.blocks.len();
            checker.refusals_at(&lie.layout, &lie.witness, &lie.outer, all, lie.closing)
        };
        let refused = refusals(&whole);
        let expected = |name: &String| lie.refused_by.contains(&name.as_str());
        assert!(refused.iter().all(expected), "{}: {refused:?}", lie.name);
        assert_eq!(
            refused.is_empty(),
            lie.refused_by.is_empty(),
            "{}",
            lie.name
        );
        let without = Checker::without(WIDTH, &lie.refused_by);
        assert!(refusals(&without).is_empty(), "{} without", lie.name);
        needed.extend(lie.refused_by);
    }
    let named = whole.names(&honest().layout);
    let unneeded: Vec<_> = named
        .iter()
        .filter(|n| !needed.contains(n.as_str()))
        .collect();
    assert!(unneeded.is_empty(), "no lie needs {unneeded:?}");
}
