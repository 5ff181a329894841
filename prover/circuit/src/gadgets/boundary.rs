//! Boundary commitments: activations are packed, fifteen to a word ([`halocast_ir::pack`]), and hashed with a salt by
//! the Poseidon sponge in-circuit; the result is an instance.

use crate::CircuitError;
use crate::builder::{Builder, Cell, Column, Wire};
use crate::field::fr;
use crate::gates::Gate;
use crate::poseidon::{is_full_round, parameters};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_ir::{ACT_OFFSET, SLOT_BITS, SLOTS_PER_WORD};

/// Home cells for values that come from outside (Y cells, hence 16-bit): one row each.
pub(crate) fn hint(b: &mut Builder, values: &[i32]) -> Vec<Wire> {
    let home = |b: &mut Builder, value: i32| {
        let row = b.row();
        let coded = if b.witness {
            fr(value as i128 + ACT_OFFSET as i128)
        } else {
            Fr::ZERO
        };
        Wire {
            cell: b.put(Column::Y, row, coded),
            offset: ACT_OFFSET,
        }
    };
    values.iter().map(|&v| home(b, v)).collect()
}

/// Home cells for the tensors live at a segment's start, tied to the first instance. They stand in Y of the sponge's
/// rows, which nothing else uses (a permutation has 73 for the thirty values of its two words).
pub(crate) fn load(b: &mut Builder, values: &[i32], salt: Fr) -> Result<Vec<Wire>, CircuitError> {
    let code = |&v: &i32| match b.witness {
        true => fr(v as i128 + ACT_OFFSET as i128),
        false => Fr::ZERO,
    };
    let coded: Vec<Fr> = values.iter().map(code).collect();
    let mut slots = Vec::with_capacity(values.len());
    let mut words = Vec::new();
    for word in coded.chunks(SLOTS_PER_WORD) {
        let (sum, cells) = pack_values(b, word);
        words.push(sum);
        slots.extend(cells);
    }
    let first = b.len();
    let [instance, _] = b.instance_cells();
    seal(b, &words, salt, instance);
    let homes = slots.into_iter().zip(coded).enumerate();
    let wires = homes.map(|(i, (slot, value))| {
        let cell = b.put(Column::Y, first + i, value);
        b.tie(slot, cell);
        Wire {
            cell,
            offset: ACT_OFFSET,
        }
    });
    Ok(wires.collect())
}

/// Ties the commitment to some wires to an instance cell. Every wire's cell is known to hold 16 bits.
pub(crate) fn commit(
    b: &mut Builder,
    wires: &[Wire],
    salt: Fr,
    instance: Cell,
) -> Result<(), CircuitError> {
    let wires = wires
        .iter()
        .map(|&w| super::as_activation(b, w))
        .collect::<Result<Vec<_>, _>>()?;
    let words: Vec<Cell> = wires
        .chunks(SLOTS_PER_WORD)
        .map(|slots| pack(b, slots))
        .collect();
    seal(b, &words, salt, instance);
    Ok(())
}

/// Ties the salted hash of some words to an instance cell.
fn seal(b: &mut Builder, words: &[Cell], salt: Fr, instance: Cell) {
    let row = b.row();
    let salt = b.put(Column::A, row, if b.witness { salt } else { Fr::ZERO });
    let hash = sponge(b, &[&[salt], words].concat());
    let value = b.value(hash);
    b.put(instance.column, instance.row as usize, value);
    b.tie(instance, hash);
}

/// A word of free cells (which the caller ties to range-checked ones): the word and the cells.
fn pack_values(b: &mut Builder, values: &[Fr]) -> (Cell, Vec<Cell>) {
    let mut cells = Vec::with_capacity(values.len());
    let mut sum = Fr::ZERO;
    for (i, pair) in values.chunks(2).enumerate() {
        let second = pair.get(1).map_or(Fr::ZERO, |_| shift(2 * i + 1));
        let row = b.row_with(Gate::Reduce, [Fr::ZERO, shift(2 * i), second, Fr::ZERO]);
        if i == 0 {
            b.gate(row, Gate::Clear);
        }
        for (column, &value) in [Column::A, Column::B].into_iter().zip(pair) {
            cells.push(b.put(column, row, value));
        }
        sum += b.form(row);
    }
    (b.reveal(sum), cells)
}

/// 2^(16·j).
fn shift(j: usize) -> Fr {
    Fr::from(2).pow([j as u64 * SLOT_BITS as u64])
}

/// Σ 2^(16·j)·cell_j, two cells a row.
pub(super) fn pack(b: &mut Builder, slots: &[Wire]) -> Cell {
    let term = |(i, pair): (usize, &[Wire])| {
        let second = if pair.len() == 2 {
            shift(2 * i + 1)
        } else {
            Fr::ZERO
        };
        (
            [Fr::ZERO, shift(2 * i), second, Fr::ZERO],
            pair[0].cell,
            pair.get(1).map(|w| w.cell),
        )
    };
    b.reduce(slots.chunks(2).enumerate().map(term))
}

/// The sponge over the words in these cells; a permutation is 1 + 2·8 + 57 rows, the start one.
fn sponge(b: &mut Builder, words: &[Cell]) -> Cell {
    let start = Fr::from(2).pow([64]);
    let row = b.row_with(Gate::StepActs, [Fr::ZERO, start, Fr::ZERO, Fr::ZERO]);
    b.gate(row, Gate::Clear);
    let mut state = [start, Fr::ZERO, Fr::ZERO];
    for i in 0..words.len() / 2 + 1 {
        let row = b.row_with(Gate::Absorb, absorb_coefficients(words.len(), i));
        for (j, column) in [Column::A, Column::B].into_iter().enumerate() {
            if let Some(&word) = words.get(2 * i + j) {
                b.copy(column, row, word);
            }
        }
        let [w0, w1, w2, w3] = b.w[row];
        state[1] += w3 * b.a[row] + w0;
        state[2] += w2 * b.b[row] + w1;
        permutation(b, &mut state);
    }
    b.reveal(if b.witness { state[1] } else { Fr::ZERO })
}

/// w3, w2 switch the words on; w0 or w1 pads with 1 after the last.
fn absorb_coefficients(words: usize, i: usize) -> [Fr; 4] {
    let flag = |on: bool| if on { Fr::ONE } else { Fr::ZERO };
    let have = [2 * i < words, 2 * i + 1 < words];
    [
        flag(!have[0]),
        flag(have[0] && !have[1]),
        flag(have[1]),
        flag(have[0]),
    ]
}

fn permutation(b: &mut Builder, state: &mut [Fr; 3]) {
    let parameters = parameters();
    for (round, &[c0, c1, c2]) in parameters.constants.iter().enumerate() {
        let full = is_full_round(round);
        let mut constants = [c0, c1, c2];
        if full {
            let row = b.row_with(Gate::Sbox2, [c0, c1, c2, Fr::ZERO]);
            let (x1, x2) = (state[1] + c1, state[2] + c2);
            put_square(b, Column::A, row, x1);
            put_square(b, Column::B, row, x2);
            *state = [
                state[0] + c0,
                x1 * x1.square().square(),
                x2 * x2.square().square(),
            ];
            constants = [Fr::ZERO; 3];
        }
        let [c0, c1, c2] = constants;
        let row = b.row_with(Gate::Partial, [c0, c1, c2, Fr::ZERO]);
        let x0 = state[0] + c0;
        put_square(b, Column::A, row, x0);
        let mixed = [x0 * x0.square().square(), state[1] + c1, state[2] + c2];
        *state = parameters
            .mds
            .map(|row| row.iter().zip(&mixed).map(|(m, s)| m * s).sum());
    }
}

fn put_square(b: &mut Builder, column: Column, row: usize, x: Fr) {
    if b.witness {
        b.put(column, row, x.square());
    }
}
