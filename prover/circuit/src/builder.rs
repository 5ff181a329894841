//! Row by row construction of a segment: fixed cells, copies, and (with a witness) phase-0 advice. Gadgets drive it;
//! it knows the columns but no operator. The same calls are made with and without a witness, so keys and proofs
//! cannot drift apart.

use crate::CircuitError;
use crate::field::{fr, int};
use crate::gates::{ENDS, Gate, Gates};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_ir::{ACT_OFFSET, TableId};
use std::collections::{HashMap, HashSet};

/// A column of the permutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Column {
    A,
    B,
    Y,
}

/// A cell of the permutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cell {
    pub(crate) column: Column,
    pub(crate) row: u32,
}

/// A cell that holds an integer plus an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wire {
    pub(crate) cell: Cell,
    pub(crate) offset: i64,
}

/// Rows before the first gadget: the two instances (which the verifier places on rows 0 and 1). On the second the lookup
/// argument starts.
const INSTANCE_IN_ROW: u32 = 0;
const INSTANCE_OUT_ROW: u32 = 1;
pub(crate) const LOGUP_START_ROW: usize = 1;

/// The rows of a segment so far.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    pub(crate) witness: bool,
    pub(crate) a: Vec<Fr>,
    pub(crate) b: Vec<Fr>,
    pub(crate) y: Vec<Fr>,
    pub(crate) r: Vec<Fr>,
    pub(crate) e: Vec<Fr>,
    pub(crate) w: Vec<[Fr; 4]>,
    pub(crate) gates: Vec<Gates>,
    pub(crate) tags: Vec<u32>,
    pub(crate) embeds: Vec<u32>,
    /// (row, argument) of embedding table entries.
    pub(crate) embed_entries: Vec<(u32, u32)>,
    /// Function tables in use; the tag of the i-th is i + 1.
    pub(crate) tables: Vec<TableId>,
    pub(crate) copies: Vec<(Cell, Cell)>,
    pub(crate) embed_count: u32,
    /// Rows with a table argument in Y where the function can be looked up: A of the next row is still free.
    pub(crate) open_lookups: HashSet<u32>,
    constants: HashMap<i64, Cell>,
    op: String,
}

impl Builder {
    /// An empty segment, with or without a witness.
    pub(crate) fn new(witness: bool) -> Self {
        let mut builder = Builder {
            witness,
            ..Builder::default()
        };
        for _ in [INSTANCE_IN_ROW, INSTANCE_OUT_ROW] {
            let row = builder.row();
            builder.gates[row] = ENDS;
        }
        builder
    }

    /// Names the op that the next rows belong to.
    pub(crate) fn enter(&mut self, op: &str) {
        op.clone_into(&mut self.op);
    }

    /// An error of the current op.
    pub(crate) fn unprovable(&self, what: impl Into<String>) -> CircuitError {
        CircuitError::Unprovable {
            op: self.op.clone(),
            what: what.into(),
        }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.w.len()
    }

    /// A new row with no gate on.
    pub(crate) fn row(&mut self) -> usize {
        let row = self.len();
        for column in [
            &mut self.a,
            &mut self.b,
            &mut self.y,
            &mut self.r,
            &mut self.e,
        ] {
            column.push(Fr::ZERO);
        }
        self.w.push([Fr::ZERO; 4]);
        self.gates.push(Gates::default());
        self.tags.push(0);
        self.embeds.push(0);
        row
    }

    /// A new row with one gate on.
    pub(crate) fn row_with(&mut self, gate: Gate, w: [Fr; 4]) -> usize {
        let row = self.row();
        self.gate(row, gate);
        self.w[row] = w;
        row
    }

    /// Switches a gate on. Which may stand together is checked when the rows are laid out.
    pub(crate) fn gate(&mut self, row: usize, gate: Gate) {
        self.gates[row] = self.gates[row].with(gate);
    }

    /// Value of a cell (0 without a witness).
    pub(crate) fn value(&self, cell: Cell) -> Fr {
        self.column(cell.column)[cell.row as usize]
    }

    /// The integer that a wire carries (0 without a witness).
    pub(crate) fn integer(&self, wire: Wire) -> i64 {
        if !self.witness {
            return 0;
        }
        let coded = int(self.value(wire.cell)).expect("wires hold small integers");
        i64::try_from(coded - wire.offset as i128).expect("wires hold small integers")
    }

    /// Sets a cell.
    pub(crate) fn put(&mut self, column: Column, row: usize, value: Fr) -> Cell {
        self.column_mut(column)[row] = value;
        Cell {
            column,
            row: row as u32,
        }
    }

    /// Sets a cell to the value of another and records that they are equal.
    pub(crate) fn copy(&mut self, column: Column, row: usize, from: Cell) -> Cell {
        let value = self.value(from);
        let cell = self.put(column, row, value);
        self.tie(cell, from);
        cell
    }

    /// Records that two cells are equal.
    pub(crate) fn tie(&mut self, x: Cell, y: Cell) {
        self.copies.push((x, y));
    }

    /// The cells that hold the boundary commitments.
    pub(crate) fn instance_cells(&self) -> [Cell; 2] {
        [INSTANCE_IN_ROW, INSTANCE_OUT_ROW].map(|row| Cell {
            column: Column::A,
            row,
        })
    }

    /// A cell fixed to a constant.
    pub(crate) fn constant(&mut self, value: i64) -> Cell {
        if let Some(&cell) = self.constants.get(&value) {
            return cell;
        }
        let row = self.row_with(
            Gate::Zero,
            [Fr::ZERO, Fr::ONE, Fr::ZERO, fr(-(value as i128))],
        );
        let cell = self.put(Column::A, row, fr(value as i128));
        self.constants.insert(value, cell);
        cell
    }

    /// A wire that carries a constant activation.
    pub(crate) fn constant_wire(&mut self, value: i64) -> Wire {
        Wire {
            cell: self.constant(value + ACT_OFFSET),
            offset: ACT_OFFSET,
        }
    }

    /// The bilinear form of a row.
    pub(crate) fn form(&self, row: usize) -> Fr {
        let [w0, w1, w2, w3] = self.w[row];
        let (a, b) = (self.a[row], self.b[row]);
        (w0 * b + w1) * a + w2 * b + w3
    }

    /// Switches `narrow` on and computes Y, R, E. Returns the cell of Y.
    pub(crate) fn narrow(&mut self, row: usize, gate: Gate) -> Result<Cell, CircuitError> {
        self.gate(row, gate);
        let top = if gate == Gate::NarrowFunc {
            (1 << 14) - 1
        } else {
            (1 << 16) - 1
        };
        if self.witness {
            let form =
                int(self.form(row)).ok_or_else(|| self.unprovable("a form is no small integer"))?;
            let v = form >> 16;
            let y = v.clamp(0, top);
            let excess = (v - y).abs();
            if excess > halocast_ir::MAX_EXCESS {
                return Err(self.unprovable(format!("{v} is too far outside 0..={top}")));
            }
            self.set_limbs(row, y, form - (v << 16), excess);
        }
        Ok(Cell {
            column: Column::Y,
            row: row as u32,
        })
    }

    /// Switches `wide` on and computes Y, E, R: the form must be in 0..2^48. Returns the cell of Y.
    pub(crate) fn wide(&mut self, row: usize) -> Result<Cell, CircuitError> {
        self.gate(row, Gate::Wide);
        if self.witness {
            let form = int(self.form(row)).filter(|f| (0..1i128 << 48).contains(f));
            let form = form.ok_or_else(|| self.unprovable("a form is outside 0..2^48"))?;
            self.set_limbs(row, form >> 32, form & 0xffff, (form >> 16) & 0xffff);
        }
        Ok(Cell {
            column: Column::Y,
            row: row as u32,
        })
    }

    /// Sets Y, R and E.
    pub(crate) fn set_limbs(&mut self, row: usize, y: i128, r: i128, e: i128) {
        self.y[row] = fr(y);
        self.r[row] = fr(r);
        self.e[row] = fr(e);
    }

    /// Tag of a function table.
    pub(crate) fn tag(&mut self, table: TableId) -> u32 {
        let at = self
            .tables
            .iter()
            .position(|&t| t == table)
            .unwrap_or_else(|| {
                self.tables.push(table);
                self.tables.len() - 1
            });
        at as u32 + 1
    }

    /// A row on which the accumulators are 0 (and a sum of nothing starts: `clear` has no row of its own).
    pub(crate) fn clear_row(&mut self) -> usize {
        let row = self.row_with(Gate::Reduce, [Fr::ZERO; 4]);
        self.gate(row, Gate::Clear);
        row
    }

    /// The end of a row of an operand: D −= G·H. `zero` holds for want of coefficients.
    pub(crate) fn mul_end(&mut self) -> usize {
        let row = self.row_with(Gate::MulEnd, [Fr::ZERO; 4]);
        self.gate(row, Gate::Zero);
        row
    }

    /// A row whose A is the value accumulated in D by the `reduce` rows before it. Given coefficients, it is a range check
    /// (`wide`) as well.
    pub(crate) fn reveal(&mut self, value: Fr) -> Cell {
        let row = self.row_with(Gate::Reveal, [Fr::ZERO; 4]);
        self.gate(row, Gate::Wide);
        self.put(Column::A, row, value)
    }

    /// A `reduce` chain over (coefficients, A, B) rows; the first row clears D. Returns the cell of the sum.
    pub(crate) fn reduce(
        &mut self,
        terms: impl IntoIterator<Item = ([Fr; 4], Cell, Option<Cell>)>,
    ) -> Cell {
        let mut sum = Fr::ZERO;
        for (i, (w, a, b)) in terms.into_iter().enumerate() {
            let row = self.row_with(Gate::Reduce, w);
            if i == 0 {
                self.gate(row, Gate::Clear);
            }
            self.copy(Column::A, row, a);
            if let Some(b) = b {
                self.copy(Column::B, row, b);
            }
            sum += self.form(row);
        }
        let sum = if self.witness { sum } else { Fr::ZERO };
        self.reveal(sum)
    }

    /// A row that proves 0 ≤ w0·a·b + w1·a + w2·b + w3 < 2^48.
    pub(crate) fn range48(
        &mut self,
        w: [Fr; 4],
        a: Cell,
        b: Option<Cell>,
    ) -> Result<(), CircuitError> {
        let row = self.row();
        self.w[row] = w;
        self.copy(Column::A, row, a);
        if let Some(b) = b {
            self.copy(Column::B, row, b);
        }
        self.wide(row).map(|_| ())
    }

    /// A row that proves w0·a·b + w1·a + w2·b + w3 = 0.
    pub(crate) fn assert_zero(
        &mut self,
        w: [Fr; 4],
        a: Cell,
        b: Option<Cell>,
    ) -> Result<(), CircuitError> {
        let row = self.row_with(Gate::Zero, w);
        self.copy(Column::A, row, a);
        if let Some(b) = b {
            self.copy(Column::B, row, b);
        }
        if self.witness && self.form(row) != Fr::ZERO {
            return Err(self.unprovable("an assertion does not hold"));
        }
        Ok(())
    }

    fn column(&self, column: Column) -> &[Fr] {
        match column {
            Column::A => &self.a,
            Column::B => &self.b,
            Column::Y => &self.y,
        }
    }

    fn column_mut(&mut self, column: Column) -> &mut [Fr] {
        match column {
            Column::A => &mut self.a,
            Column::B => &mut self.b,
            Column::Y => &mut self.y,
        }
    }
}
