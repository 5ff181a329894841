//! `Elementwise`, `AssertZero`, `Lookup`.

use super::{Wires, clamp};
use crate::CircuitError;
use crate::builder::{Builder, Column, Wire};
use crate::field::fr;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_ir::{ACT_OFFSET, Coefs, FUNC_OFFSET, Form, NARROW_SHIFT, TableId, WIDE_SHIFT};

/// One or two operands of equal length.
pub(crate) struct Operands<'a> {
    pub(crate) a: &'a [Wire],
    pub(crate) b: Option<&'a [Wire]>,
}

impl Operands<'_> {
    fn at(&self, i: usize) -> (Wire, Option<Wire>) {
        (self.a[i], self.b.map(|b| b[i]))
    }
}

/// The coefficients on coded cells of `ab·a·b + ca·a + cb·b + one` on the integers behind them.
fn coded(coefs: &Coefs, i: usize, a: Wire, b: Option<Wire>) -> [Fr; 4] {
    let (ab, ca, cb, one) = coefs.at(i);
    let (oa, ob) = (fr(a.offset as i128), fr(b.map_or(0, |b| b.offset) as i128));
    let (ab, ca, one) = (fr(ab as i128), fr(ca as i128), fr(one as i128));
    let cb = if b.is_some() {
        fr(cb as i128)
    } else {
        Fr::ZERO
    };
    let ab = if b.is_some() { ab } else { Fr::ZERO };
    [
        ab,
        ca - ab * ob,
        cb - ab * oa,
        one - ca * oa - cb * ob + ab * oa * ob,
    ]
}

/// `out[i] = form(ab·a·b + ca·a + cb·b + one)`: one row an element.
pub(crate) fn elementwise(b: &mut Builder, x: &Operands<'_>, coefs: &Coefs, form: Form) -> Wires {
    let mut out = Vec::with_capacity(x.a.len());
    for i in 0..x.a.len() {
        let (left, right) = x.at(i);
        let row = b.row();
        b.copy(Column::A, row, left.cell);
        if let Some(right) = right {
            b.copy(Column::B, row, right.cell);
        }
        let mut w = coded(coefs, i, left, right);
        w[3] += offset_of(form);
        b.w[row] = w;
        out.push(match form {
            Form::Narrow(bits) => Wire {
                cell: b.narrow(row, clamp(bits).0)?,
                offset: clamp(bits).1,
            },
            Form::Wide => Wire {
                cell: b.wide(row)?,
                offset: ACT_OFFSET,
            },
        });
    }
    Ok(out)
}

/// What rounding and the coding of the result add to the accumulator.
fn offset_of(form: Form) -> Fr {
    match form {
        Form::Narrow(bits) => {
            fr(((clamp(bits).1 as i128) << NARROW_SHIFT) + (1 << (NARROW_SHIFT - 1)))
        }
        Form::Wide => fr(((ACT_OFFSET as i128) << WIDE_SHIFT) + (1 << (WIDE_SHIFT - 1))),
    }
}

/// The statement that the bilinear expression is 0 for every element: one row each.
pub(crate) fn assert_zero(
    b: &mut Builder,
    x: &Operands<'_>,
    coefs: &Coefs,
) -> Result<(), CircuitError> {
    for i in 0..x.a.len() {
        let (left, right) = x.at(i);
        b.assert_zero(
            coded(coefs, i, left, right),
            left.cell,
            right.map(|r| r.cell),
        )?;
    }
    Ok(())
}

/// `out[i] = table[x[i] + 2^13]`: no row at all where the argument stands in Y of a product's row (its index, as `narrow`
/// codes it), else two rows an element. On the first, Y is the index (`wide` with zero remainders) and the function
/// lookup says that A of the second is the result.
pub(crate) fn lookup(b: &mut Builder, x: &[Wire], table: TableId, values: &[i16]) -> Wires {
    let tag = b.tag(table);
    let scale = fr(1 << WIDE_SHIFT);
    let mut out = Vec::with_capacity(x.len());
    for &wire in x {
        let index = (b.integer(wire) + FUNC_OFFSET) as usize;
        let value = *values
            .get(index)
            .ok_or_else(|| b.unprovable("a table argument is out of range"))?;
        if wire.cell.column == Column::Y && b.open_lookups.remove(&wire.cell.row) {
            assert_eq!(wire.offset, FUNC_OFFSET, "Y is the table's index");
            let row = wire.cell.row as usize;
            b.tags[row] = tag;
            out.push(result_at(b, row + 1, value as i64));
            continue;
        }
        let row = b.row();
        b.copy(Column::A, row, wire.cell);
        b.w[row] = [
            Fr::ZERO,
            scale,
            Fr::ZERO,
            fr((FUNC_OFFSET - wire.offset) as i128) * scale,
        ];
        b.wide(row)?;
        b.tags[row] = tag;
        out.push(result_of_lookup(b, value as i64));
    }
    Ok(out)
}

/// The row after a function lookup, with the result in A.
pub(crate) fn result_of_lookup(b: &mut Builder, value: i64) -> Wire {
    let row = b.row();
    result_at(b, row, value)
}

fn result_at(b: &mut Builder, row: usize, value: i64) -> Wire {
    let coded = if b.witness {
        fr((value + ACT_OFFSET) as i128)
    } else {
        Fr::ZERO
    };
    Wire {
        cell: b.put(Column::A, row, coded),
        offset: ACT_OFFSET,
    }
}

/// Range rows for wires that were clamped to a table argument but do not all go through a table here.
pub(crate) fn prove_func_range(b: &mut Builder, wires: &[Wire]) -> Result<(), CircuitError> {
    for wire in wires {
        b.range48(
            [Fr::ZERO, -Fr::ONE, Fr::ZERO, fr((1 << 14) - 1)],
            wire.cell,
            None,
        )?;
    }
    Ok(())
}
