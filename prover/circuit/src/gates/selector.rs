//! How gates are switched on: four fixed columns give every row a code, and a gate's selector is a polynomial of degree 2 to 4
//! in the code.
//!
//! Three columns give the row's *kind*, a pair out of 0, 1, 2, 3: column kᵢ says how often i is in it, k0 = 2 − k1 − k2 − k3
//! how often 0 is. Of the ten kinds only {i, j} has kᵢ·kⱼ ≠ 0 (for i = j: kᵢ·(kᵢ − 1)). So a kind costs two degrees, and
//! leaves three for its gate. The fourth column gives the *mode*, 0 to 4: what stands beside the kind's gate, or
//! instead of it. A factor (mode − c) keeps a gate off in mode c.
//!
//! | kind   | mode 0       | 1                        | 2, 3                               | 4                                  |
//! | ---    | ---          | ---                      | ---                                | ---                                |
//! | {0, 0} | nothing      | `StepWeights`            |                                    | `StepWeights`, `Clear`             |
//! | {0, 1} | `NarrowAct`  | `NarrowAct`, `StepResult`  | `NarrowAct`, `GroupStart` or `GroupStep`  | `NarrowAct`, `StepResult`, `Clear`   |
//! | {1, 1} | `NarrowFunc` | `NarrowFunc`, `StepResult` | `NarrowFunc`, `GroupStart` or `GroupStep` | `NarrowFunc`, `StepResult`, `Clear`  |
//! | {1, 2} | `Sbox2`      |                          |                                    |                                    |
//! | {1, 3} | `Partial`    |                          |                                    |                                    |
//! | {0, 2} | `Wide`       | `Wide`, `Reveal`         |                                    | `Wide`, `Reveal`, `Clear`, `LogupEnd` |
//! | {2, 2} | `Zero`       | `Zero`, `MulEnd`         |                                    |                                    |
//! | {0, 3} | `Reduce`     |                          |                                    | `Reduce`, `Clear`                  |
//! | {3, 3} | `StepActs`   | `ResultEnd`              |                                    | `StepActs`, `Clear`                |
//! | {2, 3} | `Absorb`     | `Max`                    |                                    |                                    |
//!
//! No other row can be laid out (`code` has none), so what a selector is elsewhere does not matter. Rows of code 0, those that
//! blind and those past the last gadget among them, have every selector 0. A gate may stand on a row for its kind's sake: a form
//! without coefficients is 0, which `Zero`, `Wide` and `NarrowAct` accept (the latter two where Y, R and E are 0).

use super::{Row, constant};
use Gate::*;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::plonk::Expression;
use std::fmt;

/// Number of selector columns.
pub(crate) const SELECTORS: usize = 4;

/// k1, k2, k3 and the mode of a row.
pub(crate) type Code = [u8; SELECTORS];

/// A gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Saturating rescale to 16 bits.
    NarrowAct,
    /// Saturating rescale to 14 bits.
    NarrowFunc,
    /// Rescale by 2^32, or a 48-bit range check.
    Wide,
    /// The bilinear form is zero.
    Zero,
    /// D accumulates the bilinear form.
    Reduce,
    /// First half of a full Poseidon round.
    Sbox2,
    /// A partial Poseidon round, or the second half of a full one.
    Partial,
    /// Y = max(A, B).
    Max,
    /// Horner steps of two activations.
    StepActs,
    /// D −= G·H.
    MulEnd,
    /// Poseidon absorbs.
    Absorb,
    /// Horner steps of two activations and four weights.
    StepWeights,
    /// Horner step of a result.
    StepResult,
    /// Horner step of the first result of a packed group.
    GroupStart,
    /// Horner step of a further result of a packed group.
    GroupStep,
    /// End of a result row.
    ResultEnd,
    /// A = D + the instance.
    Reveal,
    /// G = H = D = 0.
    Clear,
    /// S = 0.
    LogupEnd,
}

/// All gates.
pub(crate) const ALL: [Gate; 19] = [
    NarrowAct,
    NarrowFunc,
    Wide,
    Zero,
    Reduce,
    Sbox2,
    Partial,
    Max,
    StepActs,
    MulEnd,
    Absorb,
    StepWeights,
    StepResult,
    GroupStart,
    GroupStep,
    ResultEnd,
    Reveal,
    Clear,
    LogupEnd,
];

/// A factor of a selector that says of which kind a row must be.
#[derive(Clone, Copy, Debug)]
enum Of {
    Any,
    /// k1 ≠ 0.
    WithOne,
    Kind(usize, usize),
}

impl Gate {
    /// The gate's selector: its kind, and the modes in which it is off.
    const fn selector(self) -> (Of, &'static [u8]) {
        match self {
            NarrowAct => (Of::Kind(0, 1), &[]),
            NarrowFunc => (Of::Kind(1, 1), &[]),
            Sbox2 => (Of::Kind(1, 2), &[]),
            Partial => (Of::Kind(1, 3), &[]),
            Wide => (Of::Kind(0, 2), &[]),
            Zero => (Of::Kind(2, 2), &[]),
            Reduce => (Of::Kind(0, 3), &[]),
            StepWeights => (Of::Kind(0, 0), &[0]),
            Reveal => (Of::Kind(0, 2), &[0]),
            LogupEnd => (Of::Kind(0, 2), &[0, 1]),
            MulEnd => (Of::Kind(2, 2), &[0]),
            StepActs => (Of::Kind(3, 3), &[1]),
            ResultEnd => (Of::Kind(3, 3), &[0, 4]),
            Absorb => (Of::Kind(2, 3), &[1]),
            Max => (Of::Kind(2, 3), &[0]),
            // `Sbox2` and `Partial` have a 1 too, but no mode.
            StepResult => (Of::WithOne, &[0, 2, 3]),
            GroupStart => (Of::Any, &[0, 1, 3, 4]),
            GroupStep => (Of::Any, &[0, 1, 2, 4]),
            Clear => (Of::Any, &[0, 1, 2, 3]),
        }
    }
}

/// The gates that are on together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gates(u32);

impl Gates {
    /// These gates.
    pub(crate) const fn of(gates: &[Gate]) -> Self {
        let (mut set, mut i) = (Gates(0), 0);
        while i < gates.len() {
            set = set.with(gates[i]);
            i += 1;
        }
        set
    }

    /// These gates and one more.
    pub(crate) const fn with(self, gate: Gate) -> Self {
        Gates(self.0 | 1 << gate as u32)
    }

    /// Whether a gate is on.
    pub(crate) const fn has(self, gate: Gate) -> bool {
        self.0 >> gate as u32 & 1 == 1
    }

    /// Whether none is.
    #[cfg(test)]
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The code of a row with exactly these gates, if there are such rows.
    pub(crate) fn code(self) -> Option<Code> {
        let row = ROWS.iter().find(|row| row.gates == self)?;
        Some(row.code())
    }
}

impl fmt::Display for Gates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = ALL.into_iter().filter(|&gate| self.has(gate));
        write!(f, "{:?}", on.collect::<Vec<_>>())
    }
}

/// The two rows of the instances and the last one: ends of the lookup argument, an instance that is A.
pub(crate) const ENDS: Gates = Gates::of(&[Wide, Reveal, Clear, LogupEnd]);

/// One sort of row.
#[derive(Debug)]
pub(crate) struct RowType {
    kind: [u8; 2],
    mode: u8,
    pub(crate) gates: Gates,
}

impl RowType {
    pub(crate) fn code(&self) -> Code {
        let count = |i| self.kind.iter().filter(|&&k| k == i).count() as u8;
        [count(1), count(2), count(3), self.mode]
    }
}

const fn row(kind: [u8; 2], mode: u8, gates: &[Gate]) -> RowType {
    let gates = Gates::of(gates);
    RowType { kind, mode, gates }
}

/// The rows that there are.
pub(crate) const ROWS: [RowType; 27] = [
    row([0, 0], 0, &[]),
    row([0, 0], 1, &[StepWeights]),
    row([0, 0], 4, &[StepWeights, Clear]),
    row([0, 1], 0, &[NarrowAct]),
    row([0, 1], 1, &[NarrowAct, StepResult]),
    row([0, 1], 2, &[NarrowAct, GroupStart]),
    row([0, 1], 3, &[NarrowAct, GroupStep]),
    row([0, 1], 4, &[NarrowAct, StepResult, Clear]),
    row([1, 1], 0, &[NarrowFunc]),
    row([1, 1], 1, &[NarrowFunc, StepResult]),
    row([1, 1], 2, &[NarrowFunc, GroupStart]),
    row([1, 1], 3, &[NarrowFunc, GroupStep]),
    row([1, 1], 4, &[NarrowFunc, StepResult, Clear]),
    row([1, 2], 0, &[Sbox2]),
    row([1, 3], 0, &[Partial]),
    row([0, 2], 0, &[Wide]),
    row([0, 2], 1, &[Wide, Reveal]),
    row([0, 2], 4, &[Wide, Reveal, Clear, LogupEnd]),
    row([2, 2], 0, &[Zero]),
    row([2, 2], 1, &[Zero, MulEnd]),
    row([0, 3], 0, &[Reduce]),
    row([0, 3], 4, &[Reduce, Clear]),
    row([3, 3], 0, &[StepActs]),
    row([3, 3], 1, &[ResultEnd]),
    row([3, 3], 4, &[StepActs, Clear]),
    row([2, 3], 0, &[Absorb]),
    row([2, 3], 1, &[Max]),
];

impl Row<'_, '_> {
    /// Not zero exactly on the rows, of those that there are, where the gate is on.
    pub(crate) fn on(&mut self, gate: Gate) -> Expression<Fr> {
        let (of, off) = gate.selector();
        let [k1, k2, k3, mode] = self.config.selectors.map(|column| self.fixed(column));
        let k0 = constant(2) - k1.clone() - k2.clone() - k3.clone();
        let counts = [k0, k1, k2, k3];
        let kind = match of {
            Of::Any => vec![],
            Of::WithOne => vec![counts[1].clone()],
            Of::Kind(i, j) if i == j => vec![counts[i].clone(), counts[i].clone() - constant(1)],
            Of::Kind(i, j) => vec![counts[i].clone(), counts[j].clone()],
        };
        let modes = off.iter().map(|&c| match c {
            0 => mode.clone(),
            c => mode.clone() - constant(c.into()),
        });
        let factors = kind.into_iter().chain(modes);
        factors
            .reduce(|product, factor| product * factor)
            .expect("every gate is off somewhere")
    }
}
