#![doc = include_str!("../README.md")]

mod block;
mod chip;
mod error;
mod formulas;
mod gates;
mod integer;
mod layout;
mod limbs;
mod offset;
mod params;
mod position;
#[cfg(test)]
mod tests;
mod witness;

pub use chip::EccChip;
pub use error::EccError;
pub use gates::{Challenges, EccConfig};
pub use layout::Layout;
pub use params::{EccParams, Width};
pub use position::{PointCells, Position};
pub use witness::{Witness, point_values};
