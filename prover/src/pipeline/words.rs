//! Public words and field elements as hex text. Nobody reduces: a number that is not canonical is refused by name.

use super::PipelineError;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::PrimeField;
use halocast_ir::Word;

/// A packed word (or anything below 2^248) as a field element.
pub fn word_to_field(word: &Word) -> Fr {
    Option::from(Fr::from_repr(*word)).expect("packed words are below 2^248, which is below r")
}

/// A field element as little-endian bytes.
pub fn field_to_word(value: &Fr) -> Word {
    value.to_repr()
}

/// 32 bytes big endian with `0x`.
pub fn word_to_hex(word: &Word) -> String {
    let mut bytes = *word;
    bytes.reverse();
    format!("0x{}", hex::encode(bytes))
}

/// 32 bytes big endian with `0x`.
pub fn field_to_hex(value: &Fr) -> String {
    word_to_hex(&value.to_repr())
}

/// Little-endian bytes of a hex number of at most 32 bytes.
fn bytes_from_hex(text: &str, place: &str) -> Result<Word, PipelineError> {
    let bad = |what: String| PipelineError::Number {
        place: place.to_owned(),
        what,
    };
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.is_empty() || digits.len() > 64 {
        return Err(bad(format!(
            "{} hex digits, expected 1 to 64",
            digits.len()
        )));
    }
    let padded = format!("{digits:0>64}");
    let mut word = [0u8; 32];
    hex::decode_to_slice(padded, &mut word).map_err(|e| bad(e.to_string()))?;
    word.reverse();
    Ok(word)
}

/// A packed word: below 2^248.
pub fn word_from_hex(text: &str, place: &str) -> Result<Word, PipelineError> {
    let word = bytes_from_hex(text, place)?;
    if word[31] != 0 {
        return Err(PipelineError::Number {
            place: place.to_owned(),
            what: "it is not below 2^248".into(),
        });
    }
    Ok(word)
}

/// A field element: below r.
pub fn field_from_hex(text: &str, place: &str) -> Result<Fr, PipelineError> {
    let word = bytes_from_hex(text, place)?;
    Option::from(Fr::from_repr(word)).ok_or_else(|| PipelineError::Number {
        place: place.to_owned(),
        what: "it is not below the BN254 scalar modulus".into(),
    })
}

/// A context word: below 2^248. Empty text is no context, i.e. 0.
pub fn context_from_hex(text: &str) -> Result<Fr, PipelineError> {
    word_from_hex(text, "context").map(|w| word_to_field(&w))
}

#[cfg(test)]
mod tests {
    use super::*;

    const R: &str = "0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";

    #[test]
    fn the_modulus_is_refused_and_what_is_below_survives() {
        assert!(field_from_hex(R, "x").is_err());
        let text = R.replace("0001", "0000");
        assert_eq!(field_to_hex(&field_from_hex(&text, "x").unwrap()), text);
        assert_eq!(context_from_hex("0x2a").unwrap(), Fr::from(42));
        assert_eq!(context_from_hex("2a").unwrap(), Fr::from(42));
        for bad in ["", "0x", "xyz", &"f".repeat(63), &"0".repeat(65)] {
            assert!(context_from_hex(bad).is_err(), "{bad}");
        }
    }
}
