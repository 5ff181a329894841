//! The transcript: state = keccak(state ‖ what is absorbed), challenge = state mod r. The state is put before what it is hashed with, so that
//! nothing is copied.

use super::hex;
use crate::{
    layout::{Layout, Message, WORD},
    shape::Shape,
};

/// Copies of calldata to their places; `start` is where the public words are in it.
pub(crate) fn copies(layout: &Layout, start: usize) -> Vec<String> {
    let copy = |m: &Message| {
        let (to, from) = (hex(m.data()), hex(start + m.from));
        format!("calldatacopy({to}, {from}, {})", hex(m.len))
    };
    layout.messages.iter().map(copy).collect()
}

/// Lines that draw the challenges.
pub(crate) fn squeezes(shape: &Shape, layout: &Layout) -> Vec<String> {
    let mut code = Squeezes {
        layout,
        lines: Vec::new(),
        message: 0,
        challenge: 0,
    };
    for (number, round) in shape.rounds.iter().enumerate() {
        for drawn in 0..round.challenges {
            code.draw(drawn == 0 && (number == 0 || round.points > 0));
        }
    }
    // μ and γ after the evaluations, z′ after W.
    code.draw(true);
    code.draw(false);
    code.draw(true);
    if shape.accumulator.is_some() {
        code.draw(true);
    }
    code.lines
}

struct Squeezes<'a> {
    layout: &'a Layout,
    lines: Vec<String>,
    message: usize,
    challenge: usize,
}

impl Squeezes<'_> {
    /// One challenge, of the next message or of nothing but a byte 1.
    fn draw(&mut self, absorbs: bool) {
        if absorbs {
            let Message { state, len, .. } = self.layout.messages[self.message];
            if self.message > 0 {
                self.lines.push(format!("mstore({}, state)", hex(state)));
            }
            let (from, size) = (hex(state), hex(WORD + len));
            self.lines
                .push(format!("state := keccak256({from}, {size})"));
            self.message += 1;
        } else {
            self.lines.push("mstore(0x00, state)".to_owned());
            self.lines.push("mstore8(0x20, 1)".to_owned());
            self.lines.push("state := keccak256(0x00, 0x21)".to_owned());
        }
        let to = hex(self.layout.challenges.word(self.challenge));
        self.lines.push(format!("mstore({to}, mod(state, r))"));
        self.challenge += 1;
    }
}
