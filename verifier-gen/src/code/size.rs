//! Bytes of code that a source will take, estimated from its assembly: literals and names are counted as the instructions that they become.

/// Bytes that the compiler adds or an estimate misses, in thousandths.
const MARGIN: usize = 1030;

/// Bytes of the dispatcher and of what stands before the assembly.
const FRAME: usize = 60;

/// A call of a function of the source: return address, jump, and the jump back.
const CALL: usize = 8;

/// A branch or a round of a loop: labels and jumps.
const BRANCH: usize = 10;

/// Estimated bytes of the code of a generated verifier.
pub(crate) fn code_size(source: &str) -> usize {
    let assembly = source.split_once("assembly {").map_or("", |(_, rest)| rest);
    let lines = assembly
        .lines()
        .map(|line| line.split("//").next().unwrap_or(""));
    let is_word = |c: char| c.is_ascii_alphanumeric();
    let bytes: usize = lines
        .flat_map(|line| line.split(|c| !is_word(c)))
        .map(token)
        .sum();
    FRAME + bytes * MARGIN / 1000
}

fn token(token: &str) -> usize {
    match token.strip_prefix("0x") {
        Some(digits) => literal(digits.trim_start_matches('0').len().div_ceil(2)),
        None if token.is_empty() => 0,
        None if token.starts_with(|c: char| c.is_ascii_digit()) => {
            let value: u64 = token.parse().unwrap_or(0);
            literal((64 - value.leading_zeros()).div_ceil(8) as usize)
        }
        None => match token {
            "let" => 0,
            "if" | "for" => BRANCH,
            "function" => 2 * CALL,
            _ if BUILTINS.contains(&token) => 1,
            _ if token.len() > 8 && token.chars().any(char::is_uppercase) => CALL,
            _ => 1,
        },
    }
}

fn literal(bytes: usize) -> usize {
    1 + bytes
}

const BUILTINS: [&str; 8] = [
    "mload",
    "mstore",
    "calldatacopy",
    "returndatasize",
    "staticcall",
    "calldataload",
    "calldatasize",
    "extcodecopy",
];
