//! Every address of the contract: one memory map, from which the code and the key's tables take all their numbers.
//!
//! ```text
//! 0x000  scratch       accumulated point and its next multiplier, a product; inputs of modexp
//! challenges           those of the rounds, then μ, γ, z′ and the folding challenge
//! values               single words
//! exposed              the accumulator's points, each with room for a scalar behind it
//! key                  the key, as the data contract holds it; it begins with the input of the pairing
//! transcript           for each squeeze the state and what is absorbed, as it came; two words of room behind W′
//! poles                what is inverted: (z′ − ω^j·z)…, z, z^n − 1, a product for the public words, (z·ω^−i − 1)…
//! inverses             prefix products of the poles, then their inverses; of the last ones L_i(z)
//! temporaries          of the numerator's program; also the sums over the openings
//! z powers             z^−1, z^−2, …
//! steps                scalars from one opening set to the next
//! ```

use crate::{
    GenerateError,
    expression::Query,
    program::{LANES, Program},
    shape::Shape,
};

/// Bytes of a word.
pub(crate) const WORD: usize = 32;

/// Bytes of a point.
pub(crate) const POINT: usize = 2 * WORD;

/// What 16-bit pointers reach.
const MEMORY_LIMIT: usize = 1 << 16;

/// Words behind the opaque pointer that the sums over the openings need.
const OPENING_WORDS: usize = 3;

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

    /// Addresses of all words.
    pub(crate) fn words(self) -> impl Iterator<Item = usize> {
        (self.start..self.end()).step_by(WORD)
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

/// The parts of the key, in memory and (shifted) in the data contract. The first twelve words become the input of the pairing: the words
/// where its points of G1 go are no longer needed then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyLayout {
    pub(crate) whole: Region,
    /// Digest of the verifier that reads this key, 1/n.
    pub(crate) head: Region,
    /// G2, four words.
    #[allow(dead_code, reason = "the pairing reads it where it is")]
    pub(crate) g2: Region,
    /// 1/ω, ω^−first.
    pub(crate) domain: Region,
    /// −τG2, four words.
    #[allow(dead_code, reason = "the pairing reads it where it is")]
    pub(crate) tau_g2: Region,
    /// r, then q.
    pub(crate) moduli: Region,
    /// Address of the first temporary.
    pub(crate) base: Region,
    /// G1, two words.
    pub(crate) g1: Region,
    /// The transcript's first state; then the scalar of G1.
    pub(crate) initial_state: Region,
    /// −ω^j for the rotations.
    pub(crate) rotations: Region,
    /// Barycentric weights of the sets with more than one point, set by set.
    pub(crate) weights: Region,
    pub(crate) constants: Region,
    pub(crate) commitments: Region,
    pub(crate) program: Region,
}

/// What one squeeze absorbs: the state, then calldata.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    /// Where the state is.
    pub(crate) state: usize,
    /// First byte of calldata (counted from the public words), and how many.
    pub(crate) from: usize,
    pub(crate) len: usize,
}

impl Message {
    /// Where the calldata is.
    pub(crate) fn data(&self) -> usize {
        self.state + WORD
    }
}

/// The memory map.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) challenges: Region,
    /// z^n, product of the first set, public words at z, the quotient, sum of the evaluations.
    pub(crate) values: Region,
    pub(crate) exposed: Region,
    pub(crate) key: KeyLayout,
    /// Public words and first points; points of further rounds that have any; evaluations; W; W′.
    pub(crate) messages: Vec<Message>,
    pub(crate) poles: Region,
    pub(crate) inverses: Region,
    pub(crate) z_powers: Region,
    pub(crate) steps: Region,
    pub(crate) temporaries: Region,
    rotations: usize,
    instances: usize,
    points: usize,
}

impl Layout {
    pub(crate) fn new(shape: &Shape, program: &Program) -> Result<Self, GenerateError> {
        let mut memory = Cursor(0);
        memory.take(7);
        let challenges = memory.take(shape.challenges() + 4);
        let values = memory.take(5);
        let exposed = memory.take(6);
        let key = key_layout(&mut memory, shape, program);
        let messages = messages(&mut memory, shape);
        memory.take(2);
        let rows = shape.lagrange.1 - shape.lagrange.0 + 1;
        let poles = memory.take(shape.rotations.len() + 3 + rows.unsigned_abs() as usize);
        let inverses = memory.take(poles.len / WORD);
        let sizes = || shape.sets.iter().map(|set| set.rotations.len());
        let temporaries = memory.take(program.temporaries.max(OPENING_WORDS));
        let z_powers = memory.take(sizes().max().unwrap_or(1));
        let steps = memory.take(shape.sets.len());
        let (needed, limit) = (memory.0, MEMORY_LIMIT);
        if needed > limit {
            return Err(GenerateError::Memory { needed, limit });
        }
        Ok(Self {
            challenges,
            values,
            exposed,
            key,
            messages,
            poles,
            inverses,
            z_powers,
            steps,
            temporaries,
            rotations: shape.rotations.len(),
            instances: shape.instances,
            points: shape.points(),
        })
    }

    /// First public word.
    pub(crate) fn instances(&self) -> usize {
        self.messages[0].data()
    }

    /// Where a byte of calldata (counted from the public words) is.
    fn place(&self, byte: usize) -> usize {
        let holds = |m: &&Message| (m.from..m.from + m.len).contains(&byte);
        let message = self.messages.iter().find(holds);
        let message = message.expect("all that is read of calldata is absorbed");
        message.data() + byte - message.from
    }

    /// A point of the proof; the last two are W and W′.
    pub(crate) fn proof_point(&self, index: usize) -> usize {
        if index < self.points {
            return self.place(WORD * self.instances + POINT * index);
        }
        let (messages, behind) = (&self.messages, index - self.points);
        messages[messages.len() - 2 + behind].data()
    }

    /// First evaluation.
    pub(crate) fn evaluations(&self) -> usize {
        self.messages[self.messages.len() - 3].data()
    }

    /// The opening's point W.
    pub(crate) fn w(&self) -> usize {
        self.proof_point(self.points)
    }

    /// The opening's point W′; two words are free behind it.
    pub(crate) fn w_prime(&self) -> usize {
        self.proof_point(self.points + 1)
    }

    /// Position among the poles: z.
    pub(crate) fn z_pole(&self) -> usize {
        self.rotations
    }

    /// Position among the poles: z^n − 1.
    pub(crate) fn vanishing_pole(&self) -> usize {
        self.rotations + 1
    }

    /// Position among the poles: the product for the public words.
    pub(crate) fn instance_pole(&self) -> usize {
        self.rotations + 2
    }

    /// Position among the poles: that of the first Lagrange polynomial.
    pub(crate) fn first_lagrange(&self) -> usize {
        self.rotations + 3
    }

    /// A Lagrange polynomial at z; `row` counts from the first in use.
    pub(crate) fn lagrange(&self, row: usize) -> usize {
        self.inverses.word(self.first_lagrange() + row)
    }

    /// Value of public words at z.
    pub(crate) fn instance_value(&self) -> usize {
        self.values.word(2)
    }

    /// Value of the quotient at z.
    pub(crate) fn quotient_value(&self) -> usize {
        self.values.word(3)
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

fn messages(memory: &mut Cursor, shape: &Shape) -> Vec<Message> {
    let mut from = 0;
    let mut message = |words: usize| {
        let state = memory.take(1 + words).start;
        let len = WORD * words;
        from += len;
        let from = from - len;
        Message { state, from, len }
    };
    let points: Vec<usize> = shape.rounds.iter().map(|round| 2 * round.points).collect();
    let mut all = vec![message(shape.instances + points[0])];
    let further = points[1..].iter().filter(|words| **words > 0);
    all.extend(further.map(|words| message(*words)));
    all.extend([shape.evaluations.len(), 2, 2].map(message));
    all
}

fn key_layout(memory: &mut Cursor, shape: &Shape, program: &Program) -> KeyLayout {
    let start = memory.0;
    let sizes = shape.sets.iter().map(|set| set.rotations.len());
    let mut key = KeyLayout {
        whole: Region::default(),
        head: memory.take(2),
        g2: memory.take(4),
        domain: memory.take(2),
        tau_g2: memory.take(4),
        moduli: memory.take(2),
        base: memory.take(1),
        g1: memory.take(2),
        initial_state: memory.take(1),
        rotations: memory.take(shape.rotations.len()),
        weights: memory.take(sizes.filter(|size| *size > 1).sum()),
        constants: memory.take(program.constants.len()),
        commitments: memory.take(2 * shape.preprocessed.len()),
        program: memory.take(program.instructions.len().div_ceil(LANES)),
    };
    key.whole = Region {
        start,
        len: memory.0 - start,
    };
    key
}
