//! Fills the templates.

use crate::{
    GenerateError, SOLC_VERSION,
    code::{
        blocks,
        numerator::{NumeratorCode, Pin},
        openings, points, poles, transcript,
    },
    key::{Word, key_words},
    layout::{Layout, WORD},
    places::{Errors, Hex, Memory},
    program::{LANES, Program},
    shape::Shape,
};
use askama::Template;
use snark_verifier::util::hash::{Digest, Keccak256};

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

#[derive(Template)]
#[template(path = "Halo2Verifier.sol", escape = "none")]
struct VerifierTemplate<'a> {
    header: &'a str,
    solc: &'static str,
    split: bool,
    accumulator: bool,
    /// Whether short loops are unrolled.
    straight: bool,
    errors: Errors,
    m: Memory,
    key_words: &'a [KeyWord],
    lanes: Vec<Lane>,
    interpreted: bool,
    copies: Vec<String>,
    squeezes: Vec<String>,
    rotation_poles: Vec<String>,
    squarings: Vec<String>,
    row_poles: Vec<String>,
    public_words: Vec<String>,
    public_word_checks: Vec<String>,
    prefixes: Vec<String>,
    inverses: Vec<String>,
    lagrange: Vec<String>,
    first_product: Vec<String>,
    steps: Vec<String>,
    z_powers: Vec<String>,
    pins: Vec<Pin>,
    numerator: Vec<String>,
    openings: Vec<String>,
    points: Vec<String>,
    shape_digest: String,
    key_size: Hex,
    key_contract_size: Hex,
    calldata_size: Hex,
    /// Of the points, in calldata.
    first_point: Hex,
    proof_points: usize,
    last_early_point: usize,
    evaluation_bytes: Hex,
    first_limb: usize,
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
    /// Whether short loops are unrolled.
    pub(crate) straight: bool,
}

impl Sources<'_> {
    /// The verifier with the key inside.
    pub(crate) fn monolithic(&self, header: &str) -> Result<String, GenerateError> {
        let words = self.key_words([0; WORD]);
        let words = store(self.layout.key.whole.start, &words);
        render(&self.verifier(header, &words, false, ""))
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

    /// The data contract's code: a byte STOP and the key.
    pub(crate) fn key_code(&self, shape_digest: Word) -> Vec<u8> {
        let words = self.key_words(shape_digest);
        std::iter::once(0)
            .chain(words.into_iter().flatten())
            .collect()
    }

    /// Bytes of the data contract's code.
    pub(crate) fn key_contract_size(&self) -> usize {
        1 + self.layout.key.whole.len
    }

    pub(crate) fn key_words(&self, shape_digest: Word) -> Vec<Word> {
        key_words(self.shape, self.program, self.layout, shape_digest)
    }

    fn verifier<'a>(
        &self,
        header: &'a str,
        key_words: &'a [KeyWord],
        split: bool,
        shape_digest: &str,
    ) -> VerifierTemplate<'a> {
        let (shape, program, layout) = (self.shape, self.program, self.layout);
        let start = if split { WORD } else { 0 };
        let NumeratorCode { pins, lines } = NumeratorCode::new(shape, program, layout);
        VerifierTemplate {
            header,
            solc: SOLC_VERSION,
            split,
            accumulator: shape.accumulator.is_some(),
            straight: self.straight,
            errors: Errors::new(),
            m: Memory::new(shape, layout, program.result),
            key_words,
            lanes: (0..LANES).map(lane).collect(),
            interpreted: !program.instructions.is_empty(),
            copies: transcript::copies(layout, start),
            squeezes: transcript::squeezes(shape, layout),
            rotation_poles: blocks(poles::rotations(layout), 8),
            row_poles: blocks(poles::rows(layout), 8),
            public_words: blocks(poles::public_words(shape, layout), 2),
            public_word_checks: poles::public_word_checks(shape, layout),
            prefixes: blocks(poles::prefixes(layout), 12),
            inverses: blocks(poles::inverses(layout), 12),
            lagrange: blocks(poles::lagrange(layout), 12),
            first_product: blocks(poles::first_product(shape, layout), poles::FACTORS),
            steps: blocks(poles::steps(shape, layout), poles::FACTORS),
            z_powers: blocks(poles::z_powers(shape, layout), poles::FACTORS),
            pins,
            numerator: lines,
            openings: blocks(openings::openings(shape, layout), 4),
            points: points::points(shape, layout, self.straight),
            shape_digest: shape_digest.to_owned(),
            key_size: Hex(layout.key.whole.len),
            key_contract_size: Hex(self.key_contract_size()),
            calldata_size: Hex(start + WORD * shape.instances + shape.proof_len()),
            first_point: Hex(start + WORD * shape.instances),
            proof_points: shape.points() + 2,
            last_early_point: shape.points() - 1,
            evaluation_bytes: Hex(WORD * shape.evaluations.len()),
            first_limb: shape.accumulator.unwrap_or(0),
            squarings: blocks(poles::squarings(shape), 8),
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
