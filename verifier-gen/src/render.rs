//! Fills the templates: nothing is computed here but names for addresses.

use crate::{
    GenerateError, SOLC_VERSION,
    key::{Word, key_words, scalar_positions},
    layout::{Layout, WORD},
    program::{LANES, Program},
    shape::Shape,
    straight::{self, SetCode},
};
use askama::Template;
use snark_verifier::util::hash::{Digest, Keccak256};
use std::fmt::{self, Display};

/// A number as Solidity writes addresses.
#[derive(Clone, Copy)]
struct Hex(usize);

impl Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#05x}", self.0)
    }
}

/// `mstore(address, value)`
struct KeyWord {
    address: Hex,
    value: String,
}

/// Expressions for the four addresses of an instruction in its word.
struct Lane {
    to: String,
    a: String,
    b: String,
    c: String,
}

/// Selectors of the custom errors, from their signatures: assembly cannot name them.
struct Errors {
    calldata_length: String,
    key_length: String,
    key_shape_mismatch: String,
    instance_not_in_field: String,
    scalar_not_canonical: String,
    limb_out_of_range: String,
    point_not_on_curve: String,
    point_at_infinity: String,
    degenerate_challenge: String,
    precompile_failed: String,
    pairing_failed: String,
}

impl Errors {
    fn new() -> Self {
        let selector = |signature: &str| {
            let hash = Keccak256::digest(signature.as_bytes());
            format!("0x{}", hex(&hash[..4]))
        };
        Self {
            calldata_length: selector("CalldataLength(uint256,uint256)"),
            key_length: selector("KeyLength(uint256,uint256)"),
            key_shape_mismatch: selector("KeyShapeMismatch(bytes32,bytes32)"),
            instance_not_in_field: selector("InstanceNotInField(uint256)"),
            scalar_not_canonical: selector("ScalarNotCanonical(uint256)"),
            limb_out_of_range: selector("LimbOutOfRange(uint256)"),
            point_not_on_curve: selector("PointNotOnCurve(uint256)"),
            point_at_infinity: selector("PointAtInfinity(uint256)"),
            degenerate_challenge: selector("DegenerateChallenge()"),
            precompile_failed: selector("PrecompileFailed(uint256)"),
            pairing_failed: selector("PairingFailed()"),
        }
    }
}

#[derive(Template)]
#[template(path = "Halo2Verifier.sol", escape = "none")]
struct VerifierTemplate<'a> {
    header: &'a str,
    solc: &'static str,
    split: bool,
    accumulator: bool,
    errors: Errors,
    key_words: &'a [KeyWord],
    lanes: Vec<Lane>,
    steps: Vec<String>,
    /// Unrolled parts.
    instructions: Vec<String>,
    interpreted: bool,
    unrolled_sets: Option<Vec<SetCode>>,
    shape_digest: String,
    key_size: Hex,
    key_contract_size: Hex,
    calldata_size: Hex,
    calldata_start: Hex,
    calldata_words: Hex,
    proof_points: usize,
    last_early_point: usize,
    evaluation_bytes: Hex,
    k: usize,
    pairing: Hex,
    pairing_g2: Hex,
    pairing_rhs: Hex,
    pairing_tau: Hex,
    challenges: Hex,
    z: Hex,
    mu: Hex,
    gamma: Hex,
    z_prime: Hex,
    fold: Hex,
    state: Hex,
    zn: Hex,
    first_product: Hex,
    instance_value: Hex,
    quotient_value: Hex,
    evaluation_sum: Hex,
    exposed: Hex,
    exposed_left_y: Hex,
    exposed_right: Hex,
    exposed_right_y: Hex,
    limbs: Hex,
    first_limb: usize,
    key: Hex,
    initial_state: Hex,
    r: Hex,
    q: Hex,
    base_pointer: Hex,
    omega: Hex,
    omega_first: Hex,
    n_inv: Hex,
    g2: Hex,
    tau_g2: Hex,
    rotations: Hex,
    rotations_end: Hex,
    weights: Hex,
    sets: Hex,
    sets_end: Hex,
    first_set_points: Hex,
    first_set_polys: Hex,
    points: Hex,
    second_point: Hex,
    points_end: Hex,
    program: Hex,
    program_end: Hex,
    transcript: Hex,
    instances: Hex,
    proof: Hex,
    evaluations: Hex,
    w_prime: Hex,
    inverses: Hex,
    inverses_end: Hex,
    z_inverse: Hex,
    vanishing_inverse: Hex,
    lagrange: Hex,
    lagrange_zero: Hex,
    prefixes: Hex,
    coefficients: Hex,
    scalars: Hex,
    second_scalar: Hex,
    quotient_scalar: Hex,
    other_scalars: Hex,
    opening_scalars: Hex,
    temporaries: Hex,
    numerator: Hex,
    hash: Hex,
    hash_data: Hex,
}

#[derive(Template)]
#[template(path = "Halo2VerifyingKey.sol", escape = "none")]
struct KeyTemplate<'a> {
    header: &'a str,
    solc: &'static str,
    shape_digest: &'a str,
    words: usize,
    key_words: Vec<KeyWord>,
    key_contract_size: Hex,
}

/// The sources of one key, all from one layout.
pub(crate) struct Sources<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) program: &'a Program,
    pub(crate) layout: &'a Layout,
}

impl Sources<'_> {
    /// The verifier with the key inside.
    pub(crate) fn monolithic(&self, header: &str) -> Result<String, GenerateError> {
        let words = self.key_words([0; WORD]);
        render(&self.verifier(
            header,
            &store(self.layout.key.whole.start, &words),
            false,
            "",
        ))
    }

    /// The verifier of all keys of this shape. Its digest is that of the source with the digest left out.
    pub(crate) fn split(&self, header: &str) -> Result<(String, Word), GenerateError> {
        let draft = render(&self.verifier(header, &[], true, "0x00"))?;
        let digest: Word = Keccak256::digest(draft.as_bytes()).into();
        let hex = format!("0x{}", hex(&digest));
        Ok((render(&self.verifier(header, &[], true, &hex))?, digest))
    }

    /// The data contract with the key.
    pub(crate) fn key(&self, header: &str, shape_digest: Word) -> Result<String, GenerateError> {
        let words = self.key_words(shape_digest);
        render(&KeyTemplate {
            header,
            solc: SOLC_VERSION,
            shape_digest: &format!("0x{}", hex(&shape_digest)),
            words: words.len(),
            key_words: store(WORD, &words),
            key_contract_size: Hex(self.key_contract_size()),
        })
    }

    /// Bytes of the data contract's code.
    pub(crate) fn key_contract_size(&self) -> usize {
        1 + self.layout.key.whole.len
    }

    pub(crate) fn key_words(&self, shape_digest: Word) -> Vec<Word> {
        key_words(self.shape, self.program, self.layout, shape_digest)
    }

    /// Calls that draw the challenges.
    fn steps(&self) -> Vec<String> {
        let layout = self.layout;
        let mut steps = Vec::new();
        let mut next = 0;
        let mut from = layout.proof();
        let challenge = |index: usize| Hex(layout.challenges.word(index));
        for (number, round) in self.shape.rounds.iter().enumerate() {
            let size = 2 * WORD * round.points;
            let start = Hex(layout.transcript.start);
            let prefix = from - layout.transcript.start;
            for drawn in 0..round.challenges {
                let to = challenge(next + drawn);
                steps.push(match (number, drawn) {
                    (0, 0) => format!("squeeze({start}, {}, {to})", Hex(prefix + size)),
                    (_, 0) if size > 0 => format!("absorb({}, {}, {to})", Hex(from), Hex(size)),
                    _ => format!("squeezeAgain({to})"),
                });
            }
            next += round.challenges;
            from += size;
        }
        let size = Hex(WORD * self.shape.evaluations.len());
        let (point, w) = (Hex(2 * WORD), layout.opening());
        steps.extend([
            format!("absorb({}, {size}, {})", Hex(from), challenge(next)),
            format!("squeezeAgain({})", challenge(next + 1)),
            format!("absorb({}, {point}, {})", Hex(w), challenge(next + 2)),
        ]);
        if self.shape.accumulator.is_some() {
            let w_prime = Hex(w + 2 * WORD);
            steps.push(format!(
                "absorb({w_prime}, {point}, {})",
                challenge(next + 3)
            ));
        }
        steps
    }

    fn verifier<'a>(
        &self,
        header: &'a str,
        key_words: &'a [KeyWord],
        split: bool,
        shape_digest: &str,
    ) -> VerifierTemplate<'a> {
        let Self {
            shape,
            program,
            layout,
        } = self;
        let key = &layout.key;
        let drawn = shape.challenges();
        let challenge = |index: usize| Hex(layout.challenges.word(index));
        let value = |index: usize| Hex(layout.values.word(index));
        let (others, quotient) = scalar_positions(shape);
        let (set_bytes, first_set) = set_sizes(shape);
        let calldata_start = if split { WORD } else { 0 };
        let calldata_words = WORD * shape.instances + shape.proof_len();
        VerifierTemplate {
            header,
            solc: SOLC_VERSION,
            split,
            accumulator: shape.accumulator.is_some(),
            errors: Errors::new(),
            key_words,
            lanes: (0..LANES).map(lane).collect(),
            steps: self.steps(),
            instructions: straight::instructions(shape, program, layout),
            interpreted: layout.unrolling.instructions < program.instructions.len(),
            unrolled_sets: layout
                .unrolling
                .openings
                .then(|| straight::openings(shape, layout)),
            shape_digest: shape_digest.to_owned(),
            key_size: Hex(key.whole.len),
            key_contract_size: Hex(self.key_contract_size()),
            calldata_size: Hex(calldata_start + calldata_words),
            calldata_start: Hex(calldata_start),
            calldata_words: Hex(calldata_words),
            proof_points: shape.points() + 2,
            last_early_point: shape.points() - 1,
            evaluation_bytes: Hex(WORD * shape.evaluations.len()),
            k: shape.k,
            pairing: Hex(layout.pairing.word(0)),
            pairing_g2: Hex(layout.pairing.word(2)),
            pairing_rhs: Hex(layout.pairing.word(6)),
            pairing_tau: Hex(layout.pairing.word(8)),
            challenges: challenge(0),
            z: challenge(drawn - 1),
            mu: challenge(drawn),
            gamma: challenge(drawn + 1),
            z_prime: challenge(drawn + 2),
            fold: challenge(drawn + 3),
            state: value(0),
            zn: value(1),
            first_product: value(2),
            instance_value: Hex(layout.instance_value()),
            quotient_value: Hex(layout.quotient_value()),
            evaluation_sum: value(5),
            exposed: Hex(layout.exposed.word(0)),
            exposed_left_y: Hex(layout.exposed.word(1)),
            exposed_right: Hex(layout.exposed.word(2)),
            exposed_right_y: Hex(layout.exposed.word(3)),
            limbs: Hex(layout.instances() + WORD * shape.accumulator.unwrap_or(0)),
            first_limb: shape.accumulator.unwrap_or(0),
            key: Hex(key.whole.start),
            initial_state: Hex(key.initial_state.start),
            r: Hex(key.moduli.word(0)),
            q: Hex(key.moduli.word(1)),
            base_pointer: Hex(key.base.start),
            omega: Hex(key.domain.word(0)),
            omega_first: Hex(key.domain.word(1)),
            n_inv: Hex(key.domain.word(2)),
            g2: Hex(key.g2.word(0)),
            tau_g2: Hex(key.g2.word(4)),
            rotations: Hex(key.rotations.start),
            rotations_end: Hex(key.rotations.end()),
            weights: Hex(key.weights.start),
            sets: Hex(key.sets.start),
            sets_end: Hex(key.sets.start + set_bytes),
            first_set_points: Hex(key.sets.start + 4),
            first_set_polys: Hex(key.sets.start + 4 + first_set),
            points: Hex(key.points.start),
            second_point: Hex(key.points.start + 2),
            points_end: Hex(key.points.start + 2 * crate::layout::msm_points(shape)),
            program: Hex(key.program.start),
            program_end: Hex(key.program.end()),
            transcript: Hex(layout.transcript.start),
            instances: Hex(layout.instances()),
            proof: Hex(layout.proof()),
            evaluations: Hex(layout.evaluations()),
            w_prime: Hex(layout.opening() + 2 * WORD),
            inverses: Hex(layout.inverses.start),
            inverses_end: Hex(layout.inverses.end()),
            z_inverse: Hex(layout.z_inverse()),
            vanishing_inverse: Hex(layout.vanishing_inverse()),
            lagrange: Hex(layout.lagrange()),
            lagrange_zero: Hex(layout.lagrange() + WORD * shape.lagrange.0.unsigned_abs() as usize),
            prefixes: Hex(layout.prefixes.start),
            coefficients: Hex(layout.coefficients.start),
            scalars: Hex(layout.scalars.start),
            second_scalar: Hex(layout.scalars.start + WORD),
            quotient_scalar: Hex(layout.scalars.word(quotient)),
            other_scalars: Hex(layout.scalars.word(others)),
            opening_scalars: Hex(layout.scalars.word(others + shape.chunks - 1)),
            temporaries: Hex(layout.temporaries.start),
            numerator: Hex(layout.temporaries.word(program.result)),
            hash: Hex(layout.hash.start),
            hash_data: Hex(layout.hash.start + WORD),
        }
    }
}

fn render(template: &impl Template) -> Result<String, GenerateError> {
    let text = template.render();
    text.map(|text| tidy(&text))
        .map_err(|e| GenerateError::Template(e.to_string()))
}

/// No white space at line ends, no two empty lines, a line break at the end.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && out.ends_with("\n\n")) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// Bytes of the table of sets, and of the first set's points in it.
fn set_sizes(shape: &Shape) -> (usize, usize) {
    let size = |points: usize, polys: usize| 2 * (2 + points * (1 + polys));
    let sets = shape.sets.iter();
    let all = sets.map(|set| size(set.rotations.len(), set.polys.len()));
    let first = shape.sets.first().map_or(0, |set| set.rotations.len());
    (all.sum(), 2 * first)
}

/// Memory is zero: zero words are not stored.
fn store(start: usize, words: &[Word]) -> Vec<KeyWord> {
    let words = words.iter().enumerate();
    words
        .filter(|(_, word)| word.iter().any(|b| *b != 0))
        .map(|(index, word)| KeyWord {
            address: Hex(start + WORD * index),
            value: format!("0x{}", hex(word)),
        })
        .collect()
}

fn lane(index: usize) -> Lane {
    let field = |position: usize| match 240 - 16 * (4 * index + position) {
        240 => "shr(240, w)".to_owned(),
        0 => "and(w, 0xffff)".to_owned(),
        shift => format!("and(shr({shift}, w), 0xffff)"),
    };
    Lane {
        to: field(0),
        a: field(1),
        b: field(2),
        c: field(3),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
