#![doc = include_str!("../README.md")]

mod arith;
mod batch;
mod error;
mod execute;
mod packing;
mod program;
mod validate;

pub use arith::{
    ACT_BITS, ACT_MAX, ACT_MIN, ACT_OFFSET, FUNC_BITS, FUNC_OFFSET, FUNC_SIZE, MAX_EXCESS,
    NARROW_SHIFT, Narrowed, SOFTMAX_SHIFT, WIDE_SHIFT, isqrt, narrow, wide,
};
pub use error::{ExecError, ProgramError};
pub use execute::{
    SoftmaxRow, Trace, argmax, execute, execute_op, exp_index, inverse_root, softmax_row,
};
pub use packing::{SLOT_BITS, SLOTS_PER_WORD, Word, pack, unpack, word_count};
pub use program::{
    ClampBits, Coefs, Form, Matrix, Op, OpKind, Program, Scale, Source, Table, TableId, Task,
    Tensor, TensorId,
};
