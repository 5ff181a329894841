//! Every address of the contract: one memory map, from which the template and the key's tables take all their numbers.
//!
//! ```text
//! 0x000  scratch       inputs and outputs of the precompiles
//! pairing              input of the pairing: lhs, G2, rhs, −τG2
//! challenges           those of the rounds, then z, μ, γ, z′ and the folding challenge
//! values               single words
//! exposed              the accumulator's two points, from their limbs
//! key                  the key, as the data contract holds it
//! transcript           the key's digest, then public words and proof as they came
//! inverses             (z′ − ω^j·z)…, z, z^n − 1, (z − ω^i)…: first as they are, then inverted; the last then L_i(z)
//! prefixes             products on the way to the one inversion
//! coefficients         of the evaluations of one set
//! scalars              of the points, in the order of the key's table
//! temporaries          of the numerator's program
//! hash                 transcript hashing: overlaps all from `inverses` on, which is written later
//! ```

use crate::{
    GenerateError,
    expression::Query,
    program::{LANES, Program},
    shape::Shape,
    straight::Unrolling,
};

/// Bytes of a word.
pub(crate) const WORD: usize = 32;

/// What 16-bit pointers reach.
const MEMORY_LIMIT: usize = 1 << 16;

/// A part of the memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) start: usize,
    pub(crate) len: usize,
}

impl Region {
    pub(crate) fn end(&self) -> usize {
        self.start + self.len
    }

    /// Address of a word.
    pub(crate) fn word(&self, index: usize) -> usize {
        debug_assert!(WORD * (index + 1) <= self.len);
        self.start + WORD * index
    }
}

/// Hands out memory from low to high.
struct Cursor(usize);

impl Cursor {
    fn take(&mut self, words: usize) -> Region {
        let start = self.0;
        self.0 += WORD * words;
        Region {
            start,
            len: WORD * words,
        }
    }
}

/// The parts of the key, in memory and (shifted) in the data contract.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyLayout {
    pub(crate) whole: Region,
    /// Digest of the verifier that reads this key.
    #[allow(dead_code, reason = "compared as the first word of the whole")]
    pub(crate) shape: Region,
    pub(crate) initial_state: Region,
    /// r, then q.
    pub(crate) moduli: Region,
    /// ω, ω^first, 1/n.
    pub(crate) domain: Region,
    /// Address of the first temporary.
    pub(crate) base: Region,
    /// G1, two words.
    pub(crate) g1: Region,
    /// G2 and −τG2, four words each.
    pub(crate) g2: Region,
    /// ω^j for the rotations.
    pub(crate) rotations: Region,
    /// Barycentric weights, set by set.
    pub(crate) weights: Region,
    pub(crate) constants: Region,
    pub(crate) commitments: Region,
    /// Per set: points, polynomials, addresses of inverses, addresses of evaluations (16 bits each).
    pub(crate) sets: Region,
    /// Addresses of points, 16 bits each.
    pub(crate) points: Region,
    pub(crate) program: Region,
}

/// The memory map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) pairing: Region,
    pub(crate) challenges: Region,
    /// State of the transcript, z^n, product of the first set, public words at z, the quotient, sum of the evaluations.
    pub(crate) values: Region,
    pub(crate) exposed: Region,
    pub(crate) key: KeyLayout,
    pub(crate) transcript: Region,
    pub(crate) inverses: Region,
    pub(crate) prefixes: Region,
    pub(crate) coefficients: Region,
    pub(crate) scalars: Region,
    pub(crate) temporaries: Region,
    pub(crate) hash: Region,
    /// What is code and not in the tables.
    pub(crate) unrolling: Unrolling,
    rotations: usize,
    instances: usize,
    points: usize,
    evaluations: usize,
}

impl Layout {
    pub(crate) fn new(
        shape: &Shape,
        program: &Program,
        unrolling: Unrolling,
    ) -> Result<Self, GenerateError> {
        let mut memory = Cursor(0);
        memory.take(12); // scratch: modexp has the longest input, six words, the multi-scalar multiplication uses five
        let pairing = memory.take(12);
        let challenges = memory.take(shape.challenges() + 4);
        let values = memory.take(6);
        let exposed = memory.take(4);
        let interpreted = program.instructions.len() - unrolling.instructions;
        let key = key_layout(&mut memory, shape, program, interpreted);
        let transcript = memory.take(1 + shape.instances + shape.proof_len() / WORD);
        let work = memory.0;
        let lagrange = (shape.lagrange.1 - shape.lagrange.0 + 1).unsigned_abs() as usize;
        let inverses = memory.take(shape.rotations.len() + 2 + lagrange);
        let prefixes = memory.take(inverses.len / WORD);
        let sets = shape.sets.iter();
        let coefficients = memory.take(sets.map(|set| set.rotations.len()).max().unwrap_or(0));
        let scalars = memory.take(msm_points(shape));
        let temporaries = memory.take(program.temporaries.max(2));
        let longest = shape.rounds.iter().map(|round| round.points).max();
        let hash = Cursor(work).take(1 + 2 * longest.unwrap_or(0).max(1));
        let hash_evaluations = work + WORD * (1 + shape.evaluations.len());
        let needed = memory.0.max(hash.end()).max(hash_evaluations);
        if needed > MEMORY_LIMIT {
            let limit = MEMORY_LIMIT;
            return Err(GenerateError::Memory { needed, limit });
        }
        Ok(Self {
            pairing,
            challenges,
            values,
            exposed,
            key,
            transcript,
            inverses,
            prefixes,
            coefficients,
            scalars,
            temporaries,
            hash,
            unrolling,
            rotations: shape.rotations.len(),
            instances: shape.instances,
            points: shape.points(),
            evaluations: shape.evaluations.len(),
        })
    }

    /// First public word.
    pub(crate) fn instances(&self) -> usize {
        self.transcript.start + WORD
    }

    /// First byte of the proof.
    pub(crate) fn proof(&self) -> usize {
        self.instances() + WORD * self.instances
    }

    /// A point of the proof before the evaluations.
    pub(crate) fn proof_point(&self, index: usize) -> usize {
        self.proof() + 2 * WORD * index
    }

    /// First evaluation.
    pub(crate) fn evaluations(&self) -> usize {
        self.proof_point(self.points)
    }

    /// W; W′ follows.
    pub(crate) fn opening(&self) -> usize {
        self.evaluations() + WORD * self.evaluations
    }

    /// The inverse of z′ − ω^j·z.
    pub(crate) fn rotation_inverse(&self, index: usize) -> usize {
        self.inverses.word(index)
    }

    /// The inverse of z.
    pub(crate) fn z_inverse(&self) -> usize {
        self.inverses.word(self.rotations)
    }

    /// The inverse of z^n − 1.
    pub(crate) fn vanishing_inverse(&self) -> usize {
        self.inverses.word(self.rotations + 1)
    }

    /// The Lagrange polynomials at z.
    pub(crate) fn lagrange(&self) -> usize {
        self.inverses.word(self.rotations + 2)
    }

    /// Value of public words at z.
    pub(crate) fn instance_value(&self) -> usize {
        self.values.word(3)
    }

    /// Value of the quotient at z.
    pub(crate) fn quotient_value(&self) -> usize {
        self.values.word(4)
    }

    /// Where the evaluation of a query is.
    pub(crate) fn query(&self, shape: &Shape, query: Query) -> Option<usize> {
        if query == Query::new(shape.instance_poly(), 0) {
            return Some(self.instance_value());
        }
        if query == Query::new(shape.quotient_poly(), 0) {
            return Some(self.quotient_value());
        }
        let index = shape.evaluations.iter().position(|q| *q == query)?;
        Some(self.evaluations() + WORD * index)
    }

    /// Where the commitment of a polynomial is; for the quotient, that of its first chunk.
    pub(crate) fn commitment(&self, shape: &Shape, poly: usize) -> usize {
        if poly < shape.preprocessed.len() {
            self.key.commitments.word(2 * poly)
        } else {
            self.proof_point(poly - shape.first_witness())
        }
    }
}

/// Points with a scalar: one a polynomial, the other chunks of the quotient, W, W′, G1 and the exposed left point.
pub(crate) fn msm_points(shape: &Shape) -> usize {
    let polys: usize = shape.sets.iter().map(|set| set.polys.len()).sum();
    polys + shape.chunks - 1 + 3 + usize::from(shape.accumulator.is_some())
}

fn key_layout(
    memory: &mut Cursor,
    shape: &Shape,
    program: &Program,
    interpreted: usize,
) -> KeyLayout {
    let start = memory.0;
    let halves = |count: usize| count.div_ceil(WORD / 2);
    let sets = shape.sets.iter();
    let table: usize = sets
        .map(|set| 2 + set.rotations.len() * (1 + set.polys.len()))
        .sum();
    let mut key = KeyLayout {
        whole: Region::default(),
        shape: memory.take(1),
        initial_state: memory.take(1),
        moduli: memory.take(2),
        domain: memory.take(3),
        base: memory.take(1),
        g1: memory.take(2),
        g2: memory.take(8),
        rotations: memory.take(shape.rotations.len()),
        weights: memory.take(shape.sets.iter().map(|set| set.rotations.len()).sum()),
        constants: memory.take(program.constants.len()),
        commitments: memory.take(2 * shape.preprocessed.len()),
        sets: memory.take(halves(table)),
        points: memory.take(halves(msm_points(shape))),
        program: memory.take(interpreted.div_ceil(LANES)),
    };
    key.whole = Region {
        start,
        len: memory.0 - start,
    };
    key
}
