//! The key as words: constants, commitments, and the program that the contract interprets.

use crate::{
    dag::{Leaf, word},
    layout::{Layout, WORD},
    program::{Instruction, LANES, Operand, Program},
    shape::Shape,
};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Fq, Fr, G1Affine, G2Affine},
    ff::{Field, PrimeField},
};

/// A word of the EVM.
pub(crate) type Word = [u8; WORD];

/// The key's words, in the order of `KeyLayout`.
pub(crate) fn key_words(
    shape: &Shape,
    program: &Program,
    layout: &Layout,
    shape_digest: Word,
) -> Vec<Word> {
    let dk = &shape.deciding_key;
    let omega_inv = shape.power(-1);
    let mut words = vec![shape_digest, word(shape.n_inv)];
    words.extend(g2_words(&dk.g2()));
    words.extend([word(omega_inv), word(shape.power(-shape.lagrange.0))]);
    words.extend(g2_words(&-dk.s_g2()));
    words.extend([modulus::<Fr>(), modulus::<Fq>()]);
    words.push(number(layout.temporaries.start));
    words.extend(g1_words(&dk.svk().g));
    words.push(word(shape.initial_state));
    words.extend(shape.rotations.iter().map(|&r| word(-shape.power(r))));
    let several = shape.sets.iter().filter(|set| set.rotations.len() > 1);
    let weights = |set: &crate::shplonk::QuerySet| set.weights(|r| shape.power(r));
    words.extend(several.flat_map(weights).map(word));
    words.extend(program.constants.iter().copied().map(word));
    words.extend(shape.preprocessed.iter().flat_map(g1_words));
    words.extend(program_words(shape, program, layout));
    debug_assert_eq!(words.len() * WORD, layout.key.whole.len);
    words
}

fn number(value: usize) -> Word {
    word(Fr::from(value as u64))
}

/// The modulus of a field: −1, plus one.
fn modulus<F: PrimeField<Repr: AsRef<[u8]>>>() -> Word {
    let mut bytes = word(-F::ONE);
    bytes[WORD - 1] += 1; // −1 is even: no carry
    bytes
}

fn g1_words(point: &G1Affine) -> [Word; 2] {
    [word(point.x), word(point.y)]
}

/// As the pairing takes it: the imaginary part first.
fn g2_words(point: &G2Affine) -> [Word; 4] {
    let (x, y) = (point.x, point.y);
    [word(x.c1), word(x.c0), word(y.c1), word(y.c0)]
}

/// 16 bits each, the last word padded.
fn pack(pointers: &[u16]) -> Vec<Word> {
    let row = |row: &[u16]| {
        let mut word = [0; WORD];
        for (bytes, pointer) in word.chunks_mut(2).zip(row) {
            bytes.copy_from_slice(&pointer.to_be_bytes());
        }
        word
    };
    pointers.chunks(WORD / 2).map(row).collect()
}

/// `Layout::new` has checked that the whole memory map is within reach.
fn pointer(address: usize) -> u16 {
    u16::try_from(address).expect("the memory map ends below 2^16")
}

fn program_words(shape: &Shape, program: &Program, layout: &Layout) -> Vec<Word> {
    let mut lanes: Vec<u16> = Vec::new();
    for Instruction { to, a, b, c } in &program.instructions {
        lanes.push(pointer(layout.temporaries.word(*to)));
        lanes.extend([a, b, c].map(|o| pointer(address(shape, layout, *o))));
    }
    // Padding writes zero to the scratch space; with instructions there is a constant zero.
    let zero = program.constants.iter().position(|c| *c == Fr::ZERO);
    let zero = pointer(layout.key.constants.start + WORD * zero.unwrap_or(0));
    while !lanes.len().is_multiple_of(4 * LANES) {
        lanes.extend([0, zero, zero, zero]);
    }
    pack(&lanes)
}

pub(crate) fn address(shape: &Shape, layout: &Layout, operand: Operand) -> usize {
    match operand {
        Operand::Temporary(index) => layout.temporaries.word(index),
        Operand::Constant(index) => layout.key.constants.word(index),
        Operand::Leaf(Leaf::Identity) => layout.challenges.word(shape.challenges() - 1),
        Operand::Leaf(Leaf::Challenge(index)) => layout.challenges.word(index),
        Operand::Leaf(Leaf::Lagrange(i)) => {
            layout.lagrange((i - shape.lagrange.0).unsigned_abs() as usize)
        }
        Operand::Leaf(Leaf::Query(query)) => {
            let address = layout.query(shape, query);
            address.expect("checked by Shape: the numerator has all it needs")
        }
    }
}
