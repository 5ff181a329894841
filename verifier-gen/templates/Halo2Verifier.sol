// SPDX-License-Identifier: MIT OR Apache-2.0
{{ header }}
pragma solidity {{ solc }};

/// @title Halo2-KZG verifier: BN254, SHPLONK, Keccak transcript
{% if split -%}
/// @notice Calldata, no selector: address of the key contract (a word) ‖ public words ‖ proof. Returns nothing if the proof holds, reverts if not.
/// @dev Serves every key of its shape. Whoever calls must pin the code hash of the key contract: a key that others choose proves anything.
{% else -%}
/// @notice Calldata, no selector: public words ‖ proof. Returns nothing if the proof holds, reverts if not.
{% endif -%}
/// @dev Loops over tables of the key; all addresses come from the generator's memory map. Memory belongs to this code alone: nothing of
/// Solidity runs before or after the assembly, which is not memory-safe and does not say so. A line `CHECK: name` is one that refuses
/// something, docs/verifier-map.md has for each the test that goes red without it.
contract Halo2Verifier {
    /// @notice Calldata is not key address, public words and proof exactly.
    error CalldataLength(uint256 got, uint256 expected);

{% if split %}
    /// @notice The key contract has the wrong number of bytes (or there is none).
    error KeyLength(uint256 got, uint256 expected);

    /// @notice The key contract is for another verifier.
    error KeyShapeMismatch(bytes32 got, bytes32 expected);

{% endif %}
    /// @notice Public word number `index` is not below the scalar modulus r.
    error InstanceNotInField(uint256 index);

    /// @notice Evaluation number `index` of the proof is not below the scalar modulus r.
    error ScalarNotCanonical(uint256 index);

{% if accumulator %}
    /// @notice Public word number `index` is a limb with more bits than its place in a coordinate has.
    error LimbOutOfRange(uint256 index);

{% endif %}
    /// @notice Point number `index` is not on the curve or has a coordinate not below q. Points of the proof in their order, then the
    /// exposed left and right point.
    error PointNotOnCurve(uint256 index);

{% if accumulator %}
    /// @notice Point number `index`, one of the two exposed ones, is the point at infinity.
    error PointAtInfinity(uint256 index);

{% endif %}
    /// @notice A challenge met a pole: happens with probability 2^-240.
    error DegenerateChallenge();

    /// @notice A precompiled contract failed on valid input: too little gas, or a chain without it.
    error PrecompileFailed(uint256 precompile);

    /// @notice The proof is well formed and false.
    error PairingFailed();

    fallback() external {
        assembly {
            // mem: 0x000 scratch | {{ pairing }} pairing input | {{ challenges }} challenges | {{ state }} single words | {{ exposed }} exposed points
            //      {{ key }} key | {{ transcript }} key digest, public words, proof | {{ inverses }} inverses, then Lagrange values
            //      {{ prefixes }} prefix products | {{ coefficients }} coefficients of a set | {{ scalars }} scalars | {{ temporaries }} temporaries
            //      {{ hash }} transcript hashing, before what overlaps it is written

            function fail(selector) {
                mstore(0x00, shl(224, selector))
                revert(0x00, 0x04)
            }
            function failAt(selector, index) {
                mstore(0x00, shl(224, selector))
                mstore(0x04, index)
                revert(0x00, 0x24)
            }
            function failPair(selector, got, expected) {
                mstore(0x00, shl(224, selector))
                mstore(0x04, got)
                mstore(0x24, expected)
                revert(0x00, 0x44)
            }

            // Why a curve operation failed: the first point that is none, otherwise the precompile itself.
            function refusePoints(precompile) {
                for { let i := 0 } lt(i, {{ proof_points }}) { i := add(i, 1) } {
                    // W and W' stand behind the evaluations.
                    requirePoint(add(add({{ proof }}, shl(6, i)), mul({{ evaluation_bytes }}, gt(i, {{ last_early_point }}))), i)
                }
{%- if accumulator %}
                requirePoint({{ exposed }}, {{ proof_points }})
                requirePoint({{ exposed_right }}, add({{ proof_points }}, 1))
{%- endif %}
                failAt({{ errors.precompile_failed }}, precompile) // PrecompileFailed
            }
            function requirePoint(point, index) {
                let q := mload({{ q }})
                let x := mload(point)
                let y := mload(add(point, 0x20))
                let cube := addmod(mulmod(mulmod(x, x, q), x, q), 3, q)
                let curve := or(eq(mulmod(y, y, q), cube), iszero(or(x, y)))
                if iszero(and(curve, and(lt(x, q), lt(y, q)))) { failAt({{ errors.point_not_on_curve }}, index) } // PointNotOnCurve
            }

            // Transcript: state = keccak(what was absorbed), challenge = state mod r; the state opens the next buffer.
            function squeeze(from, size, to) {
                let state := keccak256(from, size)
                mstore({{ state }}, state)
                mstore(to, mod(state, mload({{ r }})))
            }
            function absorb(from, size, to) {
                mstore({{ hash }}, mload({{ state }}))
                mcopy({{ hash_data }}, from, size)
                squeeze({{ hash }}, add(size, 0x20), to)
            }
            // A second challenge without anything absorbed: the byte 1 behind the state.
            function squeezeAgain(to) {
                mstore({{ hash }}, mload({{ state }}))
                mstore8({{ hash_data }}, 1)
                squeeze({{ hash }}, 0x21, to)
            }

            // z' − ω^j·z for all rotations j, then z, z^n − 1, and z − ω^i for the Lagrange polynomials.
            function denominators(r) {
                let z := mload({{ z }})
                let u := mload({{ z_prime }})
                let to := {{ inverses }}
                for { let power := {{ rotations }} } lt(power, {{ rotations_end }}) { power := add(power, 0x20) } {
                    mstore(to, addmod(u, sub(r, mulmod(z, mload(power), r)), r))
                    to := add(to, 0x20)
                }
                mstore(to, z)
                u := z
                for { let i := 0 } lt(i, {{ k }}) { i := add(i, 1) } { u := mulmod(u, u, r) }
                mstore({{ zn }}, u)
                mstore(add(to, 0x20), addmod(u, sub(r, 1), r))
                let omega := mload({{ omega }})
                u := mload({{ omega_first }})
                for { to := {{ lagrange }} } lt(to, {{ inverses_end }}) { to := add(to, 0x20) } {
                    mstore(to, addmod(z, sub(r, u), r))
                    u := mulmod(u, omega, r)
                }
            }

            // Z_1(z'), the product over the first set's points.
            function firstProduct(r) {
                let product := 1
                for { let at := {{ first_set_points }} } lt(at, {{ first_set_polys }}) { at := add(at, 2) } {
                    product := mulmod(product, mload(shr(240, mload(at))), r)
                }
                mstore({{ first_product }}, product)
            }

            // All at once: one modexp of the product, then back through the prefix products.
            function invert(r) {
                let product := 1
                let prefix := {{ prefixes }}
                for { let at := {{ inverses }} } lt(at, {{ inverses_end }}) { at := add(at, 0x20) } {
                    mstore(prefix, product)
                    product := mulmod(product, mload(at), r)
                    prefix := add(prefix, 0x20)
                }
                if iszero(product) { fail({{ errors.degenerate_challenge }}) } // DegenerateChallenge, CHECK: poles
                mstore(0x00, 0x20)
                mstore(0x20, 0x20)
                mstore(0x40, 0x20)
                mstore(0x60, product)
                mstore(0x80, sub(r, 2))
                mstore(0xa0, r)
                if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), 5, 0x00, 0xc0, 0x00, 0x20))) { failAt({{ errors.precompile_failed }}, 5) } // CHECK: modexp
                product := mload(0x00)
                for { let at := {{ inverses_end }} } gt(at, {{ inverses }}) { } {
                    at := sub(at, 0x20)
                    prefix := sub(prefix, 0x20)
                    let value := mload(at)
                    mstore(at, mulmod(product, mload(prefix), r))
                    product := mulmod(product, value, r)
                }
            }

            // L_i(z) = ω^i·(z^n − 1) / (n·(z − ω^i)), and the polynomial of the public words at z.
            function publicWords(r) {
                let omega := mload({{ omega }})
                let factor := mulmod(addmod(mload({{ zn }}), sub(r, 1), r), mload({{ n_inv }}), r)
                factor := mulmod(factor, mload({{ omega_first }}), r)
                for { let at := {{ lagrange }} } lt(at, {{ inverses_end }}) { at := add(at, 0x20) } {
                    mstore(at, mulmod(factor, mload(at), r))
                    factor := mulmod(factor, omega, r)
                }
                let sum := 0
                let basis := {{ lagrange_zero }}
                for { let at := {{ instances }} } lt(at, {{ proof }}) { at := add(at, 0x20) } {
                    let value := mload(at)
                    if iszero(lt(value, r)) { failAt({{ errors.instance_not_in_field }}, shr(5, sub(at, {{ instances }}))) } // InstanceNotInField, CHECK: instance-canonical
                    sum := addmod(sum, mulmod(value, mload(basis), r), r)
                    basis := add(basis, 0x20)
                }
                mstore({{ instance_value }}, sum)
            }

            // The numerator's program, instructions `to = a·b + c`{% if !instructions.is_empty() %}: the first {{ instructions.len() }} as code{% endif %}{% if interpreted %}; in words of four, each four addresses of 16 bits{% endif %}.
            function quotient(r) {
{%- if !instructions.is_empty() %}
                // The optimizer must not know where this points: it would keep on the stack what it loads twice.
                let base := mload({{ base_pointer }})
{%- for instruction in instructions %}
                {{ instruction }}
{%- endfor %}
{%- endif %}
{%- if interpreted %}
                for { let at := {{ program }} } lt(at, {{ program_end }}) { at := add(at, 0x20) } {
                    let w := mload(at)
{%- for lane in lanes %}
                    mstore({{ lane.to }}, addmod(mulmod(mload({{ lane.a }}), mload({{ lane.b }}), r), mload({{ lane.c }}), r))
{%- endfor %}
                }
{%- endif %}
                mstore({{ quotient_value }}, mulmod(mload({{ numerator }}), mload({{ vanishing_inverse }}), r))
            }

            // SHPLONK at z': a set's polynomials f_i with opening points x_j = ω^j·z contribute γ^s·Z_1/Z_s·μ^i·(f_i − Σ_j l_j·f_i(x_j)).
{%- match unrolled_sets %}
{%- when Some with (sets) %}
            function openings(r) {
                let mu := mload({{ mu }})
                let power := mload({{ first_product }}) // γ^s·Z_1(z')
                // Where Σ_i μ^i·f_i(x_j) is, then what is not below r. The optimizer must not know the address, and `if hold`, always true, ends a
                // basic block: via-IR lays out the stack block by block, and a long one is too deep.
                let hold := mload({{ base_pointer }})
                mstore(add(hold, 0x20), 0)
{%- for set in sets %}
                powers({{ set.scalars }}, {{ set.polys }}, coefficients({{ set.points }}, {{ set.size }}, {{ set.weights }}, power, r), mu, r)
{%- for part in set.sums %}
{%- for step in part.steps %}
                if hold {
                    mstore(hold, {{ step.sum }})
                    mstore(add(hold, 0x20), {{ step.over }})
                }
{%- endfor %}
                if hold { mstore({{ evaluation_sum }}, addmod(mload({{ evaluation_sum }}), mulmod(mload(hold), mload({{ part.coefficient }}), r), r)) }
{%- endfor %}
                power := mulmod(power, mload({{ gamma }}), r)
{%- endfor %}
                if mload(add(hold, 0x20)) { refuseEvaluations(r) } // CHECK: evaluation-canonical
            }
            function refuseEvaluations(r) {
                let index := 0
                for { } lt(mload(add({{ evaluations }}, shl(5, index))), r) { } { index := add(index, 1) }
                failAt({{ errors.scalar_not_canonical }}, index) // ScalarNotCanonical
            }
            function powers(to, count, scalar, mu, r) {
                for { } count { count := sub(count, 1) } {
                    mstore(to, scalar)
                    to := add(to, 0x20)
                    scalar := mulmod(scalar, mu, r)
                }
            }
{%- when None %}
            function openings(r) {
                let at := {{ sets }}
                let weights := {{ weights }}
                let scalars := {{ scalars }}
                let power := mload({{ first_product }}) // γ^s·Z_1(z')
                for { } lt(at, {{ sets_end }}) { } {
                    let size := shr(240, mload(at)) // two bytes a point
                    let polys := shr(240, mload(add(at, 2)))
                    let scalar := coefficients(add(at, 4), size, weights, power, r)
                    weights := add(weights, shl(4, size))
                    at := add(add(at, 4), size)
                    at := polynomials(at, polys, size, scalar, scalars, r)
                    scalars := add(scalars, shl(5, polys))
                    power := mulmod(power, mload({{ gamma }}), r)
                }
            }
            function polynomials(at, count, size, scalar, to, r) -> next {
                let mu := mload({{ mu }})
                let power := 1
                for { } count { count := sub(count, 1) } {
                    mstore({{ evaluation_sum }}, addmod(mload({{ evaluation_sum }}), mulmod(power, interpolate(at, size, r), r), r))
                    at := add(at, size)
                    mstore(to, scalar)
                    to := add(to, 0x20)
                    scalar := mulmod(scalar, mu, r)
                    power := mulmod(power, mu, r)
                }
                next := at
            }
            function interpolate(at, size, r) -> sum {
                let coefficient := {{ coefficients }}
                for { let end := add(at, size) } lt(at, end) { at := add(at, 2) } {
                    let from := shr(240, mload(at))
                    let value := mload(from)
                    if iszero(lt(value, r)) { failAt({{ errors.scalar_not_canonical }}, shr(5, sub(from, {{ evaluations }}))) } // ScalarNotCanonical, CHECK: evaluation-canonical
                    sum := addmod(sum, mulmod(mload(coefficient), value, r), r)
                    coefficient := add(coefficient, 0x20)
                }
            }
{%- endmatch %}
            // Returns γ^s·Z_1/Z_s; leaves that times l_j, where l_j = weight_j·z^(1 − points)·Z_s/(z' − x_j).
            function coefficients(at, size, weights, power, r) -> scalar {
                scalar := power
                let inverse := mload({{ z_inverse }})
                for { let i := 2 } lt(i, size) { i := add(i, 2) } { power := mulmod(power, inverse, r) }
                let to := {{ coefficients }}
                for { let end := add(at, size) } lt(at, end) { at := add(at, 2) } {
                    inverse := mload(shr(240, mload(at)))
                    scalar := mulmod(scalar, inverse, r)
                    mstore(to, mulmod(mulmod(power, mload(weights), r), inverse, r))
                    weights := add(weights, 0x20)
                    to := add(to, 0x20)
                }
            }
            // Scalars of what is no opened polynomial: the quotient's further chunks, then −Z_1·W + z'·W' − Σ·G1{% if accumulator %}, and the exposed left point{% endif %}.
            function otherScalars(r) {
                let scalar := mload({{ quotient_scalar }})
                let to := {{ other_scalars }}
                for { } lt(to, {{ opening_scalars }}) { to := add(to, 0x20) } {
                    scalar := mulmod(scalar, mload({{ zn }}), r)
                    mstore(to, scalar)
                }
                mstore(to, sub(r, mload({{ first_product }})))
                mstore(add(to, 0x20), mload({{ z_prime }}))
                mstore(add(to, 0x40), sub(r, mload({{ evaluation_sum }})))
{%- if accumulator %}
                mstore(add(to, 0x60), mload({{ fold }}))
{%- endif %}
            }
{% if accumulator %}
            // Coordinates from three limbs: 88, 88 and at most 80 bits, so that nothing is cut off; the curve operations refuse those >= q.
            function exposedPoints() {
                for { let i := 0 } lt(i, 4) { i := add(i, 1) } {
                    let at := add({{ limbs }}, mul(0x60, i))
                    let low := mload(at)
                    let middle := mload(add(at, 0x20))
                    let high := mload(add(at, 0x40))
                    let index := add({{ first_limb }}, mul(3, i))
                    if shr(88, low) { failAt({{ errors.limb_out_of_range }}, index) } // LimbOutOfRange, CHECK: limb-low
                    if shr(88, middle) { failAt({{ errors.limb_out_of_range }}, add(index, 1)) } // LimbOutOfRange, CHECK: limb-middle
                    if shr(80, high) { failAt({{ errors.limb_out_of_range }}, add(index, 2)) } // LimbOutOfRange, CHECK: limb-high
                    mstore(add({{ exposed }}, shl(5, i)), or(low, or(shl(88, middle), shl(176, high))))
                }
                // No point of the curve has y = 0, the encoding of infinity has.
                if iszero(mload({{ exposed_left_y }})) { failAt({{ errors.point_at_infinity }}, {{ proof_points }}) } // PointAtInfinity, CHECK: exposed-left-infinity
                if iszero(mload({{ exposed_right_y }})) { failAt({{ errors.point_at_infinity }}, add({{ proof_points }}, 1)) } // PointAtInfinity, CHECK: exposed-right-infinity
            }
{% endif %}
            // Adds scalar·point to the point at 0x00. Gas is capped: a precompile burns all it gets when it refuses its input.
            function addMultiple(point, scalar) {
                mcopy(0x40, point, 0x40)
                mstore(0x80, scalar)
                if iszero(and(eq(returndatasize(), 0x40), staticcall(50000, 7, 0x40, 0x60, 0x40, 0x40))) { refusePoints(7) } // CHECK: ec-mul
                if iszero(and(eq(returndatasize(), 0x40), staticcall(50000, 6, 0x00, 0x80, 0x00, 0x40))) { refusePoints(6) } // CHECK: ec-add
            }
            // e(lhs, G2)·e(rhs, −τG2) = 1, where lhs and rhs are the proof's own pair{% if accumulator %} plus the exposed one times the folding challenge{% endif %}.
            function pair() {
                // The first scalar is 1.
                mcopy(0x00, shr(240, mload({{ points }})), 0x40)
                let scalar := {{ second_scalar }}
                for { let at := {{ second_point }} } lt(at, {{ points_end }}) { at := add(at, 2) } {
                    addMultiple(shr(240, mload(at)), mload(scalar))
                    scalar := add(scalar, 0x20)
                }
                mcopy({{ pairing }}, 0x00, 0x40)
                mcopy({{ pairing_g2 }}, {{ g2 }}, 0x80)
                mcopy(0x00, {{ w_prime }}, 0x40)
{%- if accumulator %}
                addMultiple({{ exposed_right }}, mload({{ fold }}))
{%- endif %}
                mcopy({{ pairing_rhs }}, 0x00, 0x40)
                mcopy({{ pairing_tau }}, {{ tau_g2 }}, 0x80)
                if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), 8, {{ pairing }}, 0x180, 0x00, 0x20))) { failAt({{ errors.precompile_failed }}, 8) } // CHECK: pairing-call
                if iszero(eq(mload(0x00), 1)) { fail({{ errors.pairing_failed }}) } // PairingFailed, CHECK: pairing-value
            }

            if iszero(eq(calldatasize(), {{ calldata_size }})) { failPair({{ errors.calldata_length }}, calldatasize(), {{ calldata_size }}) } // CalldataLength, CHECK: calldata-length
{%- if split %}
            {
                // A byte STOP, then the key: nobody can call the key contract into doing something.
                let keyContract := calldataload(0x00)
                let size := extcodesize(keyContract)
                if iszero(eq(size, {{ key_contract_size }})) { failPair({{ errors.key_length }}, size, {{ key_contract_size }}) } // KeyLength, CHECK: key-length
                extcodecopy(keyContract, {{ key }}, 1, {{ key_size }})
                if iszero(eq(mload({{ key }}), {{ shape_digest }})) { failPair({{ errors.key_shape_mismatch }}, mload({{ key }}), {{ shape_digest }}) } // KeyShapeMismatch, CHECK: key-shape
            }
{%- else %}
{%- for word in key_words %}
            mstore({{ word.address }}, {{ word.value }})
{%- endfor %}
{%- endif %}
            mstore({{ transcript }}, mload({{ initial_state }}))
            calldatacopy({{ instances }}, {{ calldata_start }}, {{ calldata_words }})

            // Challenges, in the order in which the prover drew them.
{%- for step in steps %}
            {{ step }}
{%- endfor %}

            // After the copy of calldata, so that the optimizer does not know the word and repeat it at each use.
            let r := mload({{ r }})
            denominators(r)
            firstProduct(r)
            invert(r)
            publicWords(r)
            quotient(r)
            openings(r)
            otherScalars(r)
{%- if accumulator %}
            exposedPoints()
{%- endif %}
            pair()
            return(0x00, 0x00)
        }
    }
}
