//! Names for addresses and numbers, as the template uses them: nothing is computed here.

use crate::{
    code::hex,
    layout::{Layout, WORD},
    shape::Shape,
};
use snark_verifier::util::hash::{Digest, Keccak256};
use std::fmt::{self, Display};

/// A number as Solidity writes addresses.
#[derive(Clone, Copy)]
pub(crate) struct Hex(pub(crate) usize);

impl Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.0))
    }
}

/// Addresses of memory.
pub(crate) struct Memory {
    pub(crate) challenges: Hex,
    pub(crate) z: Hex,
    pub(crate) mu: Hex,
    pub(crate) gamma: Hex,
    pub(crate) z_prime: Hex,
    pub(crate) values: Hex,
    pub(crate) zn: Hex,
    pub(crate) first_product: Hex,
    pub(crate) instance_value: Hex,
    pub(crate) quotient_value: Hex,
    pub(crate) evaluation_sum: Hex,
    pub(crate) exposed: Hex,
    pub(crate) exposed_left_y: Hex,
    pub(crate) exposed_right: Hex,
    pub(crate) exposed_right_y: Hex,
    pub(crate) limbs: Hex,
    pub(crate) key: Hex,
    pub(crate) n_inv: Hex,
    pub(crate) omega_inverse: Hex,
    pub(crate) first_row: Hex,
    pub(crate) r: Hex,
    pub(crate) q: Hex,
    pub(crate) hold: Hex,
    pub(crate) initial_state: Hex,
    pub(crate) rotations: Hex,
    pub(crate) program: Hex,
    pub(crate) program_end: Hex,
    pub(crate) transcript: Hex,
    pub(crate) instances: Hex,
    pub(crate) instances_end: Hex,
    pub(crate) evaluations: Hex,
    pub(crate) poles: Hex,
    pub(crate) poles_end: Hex,
    pub(crate) z_pole: Hex,
    pub(crate) vanishing_pole: Hex,
    pub(crate) instance_pole: Hex,
    pub(crate) row_poles: Hex,
    pub(crate) inverses: Hex,
    pub(crate) inverses_end: Hex,
    pub(crate) z_inverse: Hex,
    pub(crate) vanishing_inverse: Hex,
    pub(crate) instance_inverse: Hex,
    pub(crate) lagrange: Hex,
    pub(crate) temporaries: Hex,
    pub(crate) numerator: Hex,
}

impl Memory {
    pub(crate) fn new(shape: &Shape, layout: &Layout, result: usize) -> Self {
        let key = &layout.key;
        let drawn = shape.challenges();
        let challenge = |index| Hex(layout.challenges.word(index));
        let value = |index| Hex(layout.values.word(index));
        let exposed = |index| Hex(layout.exposed.word(index));
        let pole = |index| Hex(layout.poles.word(index));
        let inverse = |index| Hex(layout.inverses.word(index));
        let instances = layout.instances();
        Self {
            challenges: challenge(0),
            z: challenge(drawn - 1),
            mu: challenge(drawn),
            gamma: challenge(drawn + 1),
            z_prime: challenge(drawn + 2),
            values: value(0),
            zn: value(0),
            first_product: value(1),
            instance_value: value(2),
            quotient_value: value(3),
            evaluation_sum: value(4),
            exposed: exposed(0),
            exposed_left_y: exposed(1),
            exposed_right: exposed(3),
            exposed_right_y: exposed(4),
            limbs: Hex(instances + WORD * shape.accumulator.unwrap_or(0)),
            key: Hex(key.whole.start),
            n_inv: Hex(key.head.word(1)),
            omega_inverse: Hex(key.domain.word(0)),
            first_row: Hex(key.domain.word(1)),
            r: Hex(key.moduli.word(0)),
            q: Hex(key.moduli.word(1)),
            hold: Hex(key.base.start),
            initial_state: Hex(key.initial_state.start),
            rotations: Hex(key.rotations.start),
            program: Hex(key.program.start),
            program_end: Hex(key.program.end()),
            transcript: Hex(layout.messages[0].state),
            instances: Hex(instances),
            instances_end: Hex(instances + WORD * shape.instances),
            evaluations: Hex(layout.evaluations()),
            poles: pole(0),
            poles_end: Hex(layout.poles.end()),
            z_pole: pole(layout.z_pole()),
            vanishing_pole: pole(layout.vanishing_pole()),
            instance_pole: pole(layout.instance_pole()),
            row_poles: pole(layout.first_lagrange()),
            inverses: inverse(0),
            inverses_end: Hex(layout.inverses.end()),
            z_inverse: inverse(layout.z_pole()),
            vanishing_inverse: inverse(layout.vanishing_pole()),
            instance_inverse: inverse(layout.instance_pole()),
            lagrange: inverse(layout.first_lagrange()),
            temporaries: Hex(layout.temporaries.start),
            numerator: Hex(layout.temporaries.word(result)),
        }
    }
}

/// Selectors of the custom errors, from their signatures: assembly cannot name them.
pub(crate) struct Errors {
    pub(crate) calldata_length: String,
    pub(crate) key_length: String,
    pub(crate) key_shape_mismatch: String,
    pub(crate) instance_not_in_field: String,
    pub(crate) scalar_not_canonical: String,
    pub(crate) limb_out_of_range: String,
    pub(crate) point_not_on_curve: String,
    pub(crate) point_at_infinity: String,
    pub(crate) degenerate_challenge: String,
    pub(crate) precompile_failed: String,
    pub(crate) pairing_failed: String,
}

impl Errors {
    pub(crate) fn new() -> Self {
        let selector = |signature: &str| {
            let hash = Keccak256::digest(signature.as_bytes());
            format!("0x{}", crate::render::hex(&hash[..4]))
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
