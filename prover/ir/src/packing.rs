//! Activations into 248-bit words: what boundary commitments absorb and what a chain sees.
//! Word k holds values 15k … 15k+14; slot j lies in bits 16j … 16j+15 (slot 0 lowest) as value + 2^15;
//! unused slots of the last word are 0.

use crate::arith::ACT_OFFSET;

/// Bits of a slot.
pub const SLOT_BITS: u32 = 16;
/// Slots of a word (240 of its 248 bits).
pub const SLOTS_PER_WORD: usize = 15;

/// A packed word, little-endian, below 2^240.
pub type Word = [u8; 32];

/// Number of words for `values` activations.
pub fn word_count(values: usize) -> usize {
    values.div_ceil(SLOTS_PER_WORD)
}

/// Packs activations. Values must be activations (−2^15 ≤ v < 2^15).
pub fn pack(values: &[i32]) -> Vec<Word> {
    values
        .chunks(SLOTS_PER_WORD)
        .map(|chunk| {
            let mut word = [0u8; 32];
            for (j, &v) in chunk.iter().enumerate() {
                let slot = u16::try_from(v as i64 + ACT_OFFSET).expect("callers pass activations");
                word[2 * j..2 * j + 2].copy_from_slice(&slot.to_le_bytes());
            }
            word
        })
        .collect()
}

/// The first `count` activations of packed words; `None` when the words are too few, too many, or use unused bits.
pub fn unpack(words: &[Word], count: usize) -> Option<Vec<i32>> {
    if words.len() != word_count(count) {
        return None;
    }
    let mut values = Vec::with_capacity(count);
    for word in words {
        let used = (count - values.len()).min(SLOTS_PER_WORD);
        for j in 0..used {
            let slot = u16::from_le_bytes([word[2 * j], word[2 * j + 1]]);
            values.push((slot as i64 - ACT_OFFSET) as i32);
        }
        if word[2 * used..].iter().any(|&b| b != 0) {
            return None;
        }
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_strictness() {
        let values: Vec<i32> = (0..33).map(|i| i * 1979 - 32768).collect();
        let words = pack(&values);
        assert_eq!(words.len(), 3);
        assert_eq!(unpack(&words, 33).unwrap(), values);
        assert_eq!(unpack(&words, 32), None);
        let mut bad = words.clone();
        bad[0][31] = 1;
        assert_eq!(unpack(&bad, 33), None);
    }
}
