//! One gadget an operator: the rows that prove what the executor computes. A gadget reads wires, never values from
//! outside; what it returns is compared with the executor's trace by `segment`.

mod argmax;
mod boundary;
mod elementwise;
mod gather;
mod product;
mod rms_norm;
mod softmax;

pub(crate) use argmax::arg_max;
pub(crate) use boundary::{commit, hint, load};
pub(crate) use elementwise::{Operands, assert_zero, elementwise, lookup, prove_func_range};
pub(crate) use gather::gather;
pub(crate) use product::{Rescale, linear, mat_mul};
pub(crate) use rms_norm::{Norm, rms_norm};
pub(crate) use softmax::{Exponential, softmax};

use crate::builder::Builder;
use crate::gates::Gate;
use crate::{CircuitError, builder::Wire};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_ir::{ACT_OFFSET, ClampBits, FUNC_OFFSET};

/// Wires out of a gadget.
pub(crate) type Wires = Result<Vec<Wire>, CircuitError>;

/// Gate and coding offset of a narrow rescale.
pub(crate) fn clamp(bits: ClampBits) -> (Gate, i64) {
    match bits {
        ClampBits::Act => (Gate::NarrowAct, ACT_OFFSET),
        ClampBits::Func => (Gate::NarrowFunc, FUNC_OFFSET),
    }
}

/// The wire as one with the activation offset (a copy with the offset changed, where it is another).
pub(crate) fn as_activation(b: &mut Builder, wire: Wire) -> Result<Wire, CircuitError> {
    if wire.offset == ACT_OFFSET {
        return Ok(wire);
    }
    let shift = crate::field::fr((ACT_OFFSET - wire.offset) as i128);
    let row = b.row_with(Gate::Zero, [Fr::ZERO, Fr::ONE, -Fr::ONE, shift]);
    let copy = b.copy(crate::builder::Column::A, row, wire.cell);
    let value = b.value(copy) + shift;
    let value = if b.witness { value } else { Fr::ZERO };
    let cell = b.put(crate::builder::Column::B, row, value);
    Ok(Wire {
        cell,
        offset: ACT_OFFSET,
    })
}
