//! The key as words: constants, commitments, and the tables that the contract's loops walk.

use crate::{
    dag::{Leaf, word},
    expression::Query,
    layout::{Layout, WORD},
    program::{Instruction, LANES, Operand, Program},
    shape::Shape,
};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Fq, Fr, G1Affine, G2Affine},
    ff::PrimeField,
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
    let mut words = vec![
        shape_digest,
        word(shape.initial_state),
        modulus::<Fr>(),
        modulus::<Fq>(),
        word(shape.omega),
        word(shape.power(shape.lagrange.0)),
        word(shape.n_inv),
        number(layout.temporaries.start),
    ];
    words.extend(g1_words(&dk.svk().g));
    words.extend(g2_words(&dk.g2()));
    words.extend(g2_words(&-dk.s_g2()));
    words.extend(shape.rotations.iter().map(|&r| word(shape.power(r))));
    let weights = |set: &crate::shplonk::QuerySet| set.weights(|r| shape.power(r));
    words.extend(shape.sets.iter().flat_map(weights).map(word));
    words.extend(program.constants.iter().copied().map(word));
    words.extend(shape.preprocessed.iter().flat_map(g1_words));
    words.extend(pack(&set_table(shape, layout)));
    words.extend(pack(&point_table(shape, layout)));
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

fn set_table(shape: &Shape, layout: &Layout) -> Vec<u16> {
    let mut table = Vec::new();
    for set in &shape.sets {
        table.push(pointer(2 * set.rotations.len()));
        table.push(pointer(set.polys.len()));
        for rotation in &set.rotations {
            let index = shape.rotations.iter().position(|r| r == rotation);
            let index = index.expect("the list of rotations is made from the queries");
            table.push(pointer(layout.rotation_inverse(index)));
        }
        for &poly in &set.polys {
            for &rotation in &set.rotations {
                let address = layout.query(shape, Query::new(poly, rotation));
                table.push(pointer(
                    address.expect("checked by Shape: all is evaluated"),
                ));
            }
        }
    }
    table
}

fn point_table(shape: &Shape, layout: &Layout) -> Vec<u16> {
    let polys = shape.sets.iter().flat_map(|set| &set.polys);
    let mut table: Vec<usize> = polys.map(|&p| layout.commitment(shape, p)).collect();
    let first_chunk = layout.commitment(shape, shape.quotient_poly());
    table.extend((1..shape.chunks).map(|chunk| first_chunk + 2 * WORD * chunk));
    table.extend([
        layout.opening(),
        layout.opening() + 2 * WORD,
        layout.key.g1.start,
    ]);
    table.extend(shape.accumulator.map(|_| layout.exposed.start));
    table.into_iter().map(pointer).collect()
}

fn program_words(shape: &Shape, program: &Program, layout: &Layout) -> Vec<Word> {
    let mut lanes: Vec<u16> = Vec::new();
    for Instruction { to, a, b, c } in &program.instructions[layout.unrolling.instructions..] {
        lanes.push(pointer(layout.temporaries.word(*to)));
        lanes.extend([a, b, c].map(|o| pointer(address(shape, layout, *o))));
    }
    // Padding writes zero to the scratch space.
    let zero = pointer(layout.key.constants.start);
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
            layout.lagrange() + WORD * (i - shape.lagrange.0).unsigned_abs() as usize
        }
        Operand::Leaf(Leaf::Query(query)) => {
            let address = layout.query(shape, query);
            address.expect("checked by Shape: the numerator has all it needs")
        }
    }
}

/// The position of the first scalar after the polynomials', and that of the quotient's first chunk.
pub(crate) fn scalar_positions(shape: &Shape) -> (usize, usize) {
    let polys: Vec<usize> = shape
        .sets
        .iter()
        .flat_map(|set| set.polys.clone())
        .collect();
    let quotient = polys.iter().position(|p| *p == shape.quotient_poly());
    let quotient = quotient.expect("checked by Shape: the quotient is opened");
    (polys.len(), quotient)
}
