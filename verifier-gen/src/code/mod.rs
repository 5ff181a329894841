//! What depends on the key and is no data, as lines of Yul for the template: each file one section of the contract.
//!
//! * `transcript.rs`: copies of calldata, and the challenges.
//! * `poles.rs`: what is inverted, and what is made of the inverses.
//! * `numerator.rs`: the quotient's numerator.
//! * `openings.rs`: the sums over the evaluations.
//! * `points.rs`: the multi-scalar multiplication.
//! * `size.rs`: bytes that a source will take, to decide what can be straight-line code.
//!
//! A rule for all of them: the optimizer keeps every word of memory that it knows and that is read again on the stack, until the stack is too
//! deep. A store through a pointer that it does not know (`hold`) makes it forget.

pub(crate) mod numerator;
pub(crate) mod openings;
pub(crate) mod points;
pub(crate) mod poles;
pub(crate) mod size;
pub(crate) mod transcript;

/// A number as Solidity writes addresses.
pub(crate) fn hex(value: usize) -> String {
    format!("{value:#05x}")
}

/// The word at an address.
pub(crate) fn load(address: usize) -> String {
    format!("mload({})", hex(address))
}

/// A pointer `offset` bytes behind the opaque one.
pub(crate) fn behind(hold: &str, offset: usize) -> String {
    match offset {
        0 => hold.to_owned(),
        _ => format!("add({hold}, {})", hex(offset)),
    }
}

/// Lines in blocks of at most `size`: the pipeline through IR lays out the stack of a whole basic block at once, and a long one is too deep for it. `hold` is
/// never zero; the branch costs 20 gas.
pub(crate) fn blocks(lines: Vec<String>, size: usize) -> Vec<String> {
    if lines.len() <= size {
        return lines;
    }
    let block = |part: &[String]| {
        let inner = part.iter().map(|line| format!("    {line}"));
        let start = std::iter::once("if hold {".to_owned());
        start
            .chain(inner)
            .chain(["}".to_owned()])
            .collect::<Vec<_>>()
    };
    lines.chunks(size).flat_map(block).collect()
}
