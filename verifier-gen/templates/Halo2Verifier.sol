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
            // mem: 0x000 sum of points, multiplier, product | {{ m.challenges }} challenges | {{ m.values }} single words | {{ m.exposed }} exposed points
            //      {{ m.key }} key, first the input of the pairing | {{ m.transcript }} messages of the transcript | {{ m.poles }} poles
            //      {{ m.inverses }} their inverses, then Lagrange values | {{ m.temporaries }} temporaries, powers of 1/z, steps between sets

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

            // Why something was refused: these look for the first culprit and name it.
            function refuseWords(selector, words, r) {
                let index := 0
                for { } lt(mload(add(words, shl(5, index))), r) { } { index := add(index, 1) }
                failAt(selector, index)
            }
            function refusePoints() {
                for { let i := 0 } lt(i, {{ proof_points }}) { i := add(i, 1) } {
                    // W and W' stand behind the evaluations.
                    let point := add(add({{ first_point }}, shl(6, i)), mul({{ evaluation_bytes }}, gt(i, {{ last_early_point }})))
                    requirePoint(calldataload(point), calldataload(add(point, 0x20)), i)
                }
{%- if accumulator %}
                requirePoint(mload({{ m.exposed }}), mload({{ m.exposed_left_y }}), {{ proof_points }})
                requirePoint(mload({{ m.exposed_right }}), mload({{ m.exposed_right_y }}), add({{ proof_points }}, 1))
{%- endif %}
                failAt({{ errors.precompile_failed }}, 7) // PrecompileFailed
            }
            function requirePoint(x, y, index) {
                let q := mload({{ m.q }})
                let cube := addmod(mulmod(mulmod(x, x, q), x, q), 3, q)
                let curve := or(eq(mulmod(y, y, q), cube), iszero(or(x, y)))
                if iszero(and(curve, and(lt(x, q), lt(y, q)))) { failAt({{ errors.point_not_on_curve }}, index) } // PointNotOnCurve
            }
{%- if accumulator %}
            function refuseLimbs() {
                for { let i := 0 } lt(i, 12) { i := add(i, 1) } {
                    // 88 bits, the highest of three limbs 80.
                    let bits := sub(88, shl(3, eq(mod(i, 3), 2)))
                    if shr(bits, mload(add({{ m.limbs }}, shl(5, i)))) { failAt({{ errors.limb_out_of_range }}, add({{ first_limb }}, i)) } // LimbOutOfRange
                }
            }
{%- endif %}

            // The optimizer keeps on the stack every word of memory that it knows and that is read later, until the stack is too deep. It does not know
            // this address, and so what memory holds any more.
            function forget() {
                mstore(mload({{ m.hold }}), 0)
            }

            // What will be inverted: z' − ω^j·z for all rotations j, z, z^n − 1, the denominator of the public words, z·ω^−i − 1 for the Lagrange
            // polynomials. Some are above r, which mulmod does not mind.
            function poles(r) {
                let hold := mload({{ m.hold }})
                let z := mload({{ m.z }})
                let u := mload({{ m.z_prime }})
{%- if straight %}
{%- for line in rotation_poles %}
                {{ line }}
{%- endfor %}
{%- else %}
                let power := {{ m.rotations }}
                for { let pole := {{ m.poles }} } lt(pole, {{ m.z_pole }}) { pole := add(pole, 0x20) } {
                    mstore(pole, add(u, mulmod(z, mload(power), r)))
                    power := add(power, 0x20)
                }
{%- endif %}
                mstore({{ m.z_pole }}, z)
                u := z
{%- for line in squarings %}
                {{ line }}
{%- endfor %}
                mstore({{ m.zn }}, u)
                mstore({{ m.vanishing_pole }}, add(u, sub(r, 1)))
                let omegaInverse := mload({{ m.omega_inverse }})
                let v := mulmod(z, mload({{ m.first_row }}), r)
{%- if straight %}
{%- for line in row_poles %}
                {{ line }}
{%- endfor %}
{%- else %}
                for { let pole := {{ m.row_poles }} } lt(pole, {{ m.poles_end }}) { pole := add(pole, 0x20) } {
                    mstore(pole, sub(v, 1))
                    v := mulmod(v, omegaInverse, r)
                }
{%- endif %}
                publicWords(z, omegaInverse, hold, r)
            }

            // The public words' polynomial at z is (z^n − 1)/n · Σ x_i/(v_i − 1) with v_i = z·ω^−i: a fraction n/d.
            function publicWords(v, omegaInverse, hold, r) {
                let n := 0
                let d := 1
                let below := 1
{%- if straight %}
                let e
{%- for line in public_words %}
                {{ line }}
{%- endfor %}
                forget()
{%- for line in public_word_checks %}
                {{ line }}
{%- endfor %}
{%- else %}
                for { let word := {{ m.instances }} } lt(word, {{ m.instances_end }}) { word := add(word, 0x20) } {
                    let x := mload(word)
                    below := and(below, lt(x, r))
                    let e := sub(v, 1)
                    v := mulmod(v, omegaInverse, r)
                    n := add(mulmod(n, e, r), mulmod(x, d, r))
                    d := mulmod(d, e, r)
                }
{%- endif %}
                if iszero(below) { refuseWords({{ errors.instance_not_in_field }}, {{ m.instances }}, r) } // InstanceNotInField, CHECK: instance-canonical
                mstore({{ m.instance_value }}, n)
                mstore({{ m.instance_pole }}, d)
            }

            // All at once: one modexp of the product, then back through the prefix products.
            function invert(r) {
                let hold := mload({{ m.hold }})
                let product := 1
{%- if straight %}
{%- for line in prefixes %}
                {{ line }}
{%- endfor %}
{%- else %}
                let prefix := {{ m.inverses }}
                for { let pole := {{ m.poles }} } lt(pole, {{ m.poles_end }}) { pole := add(pole, 0x20) } {
                    mstore(prefix, product)
                    product := mulmod(product, mload(pole), r)
                    prefix := add(prefix, 0x20)
                }
{%- endif %}
                if iszero(product) { fail({{ errors.degenerate_challenge }}) } // DegenerateChallenge, CHECK: poles
                mstore(0x00, 0x20)
                mstore(0x20, 0x20)
                mstore(0x40, 0x20)
                mstore(0x60, product)
                mstore(0x80, sub(r, 2))
                mstore(0xa0, r)
                if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), 5, 0x00, 0xc0, 0x00, 0x20))) { failAt({{ errors.precompile_failed }}, 5) } // CHECK: modexp
                product := mload(0x00)
{%- if straight %}
{%- for line in inverses %}
                {{ line }}
{%- endfor %}
{%- else %}
                for { let pole := {{ m.poles_end }} } gt(pole, {{ m.poles }}) { } {
                    pole := sub(pole, 0x20)
                    prefix := sub(prefix, 0x20)
                    mstore(prefix, mulmod(product, mload(prefix), r))
                    product := mulmod(product, mload(pole), r)
                }
{%- endif %}
            }

            // L_i(z) = (z^n − 1) / (n·(z·ω^−i − 1)), the public words at z, and products of poles and inverses for the openings.
            function products(r) {
                let hold := mload({{ m.hold }})
                let gamma := mload({{ m.gamma }})
                let factor := mulmod(mload({{ m.vanishing_pole }}), mload({{ m.n_inv }}), r)
                let product := mulmod(factor, mload({{ m.instance_value }}), r)
                mstore({{ m.instance_value }}, mulmod(product, mload({{ m.instance_inverse }}), r))
{%- if straight %}
{%- for line in lagrange %}
                {{ line }}
{%- endfor %}
{%- else %}
                for { let value := {{ m.lagrange }} } lt(value, {{ m.inverses_end }}) { value := add(value, 0x20) } {
                    mstore(value, mulmod(factor, mload(value), r))
                }
{%- endif %}
                let zInverse := mload({{ m.z_inverse }})
                product := zInverse
{%- for line in z_powers %}
                {{ line }}
{%- endfor %}
                // γ·Z_s / Z_(s+1) for the opening sets s.
{%- for line in steps %}
                {{ line }}
{%- endfor %}
                // Z_1(z'), the product over the first set's points.
{%- for line in first_product %}
                {{ line }}
{%- endfor %}
                mstore({{ m.first_product }}, product)
            }

            // The numerator, over what it vanishes on.
            function quotient(r) {
                // Every store through this pointer makes the optimizer forget, see `forget`.
                let hold := mload({{ m.hold }})
{%- for pin in pins %}
                let {{ pin.name }} := mload({{ pin.address }})
{%- endfor %}
{%- for line in numerator %}
                {{ line }}
{%- endfor %}
{%- if interpreted %}
                // The rest: instructions `to = a·b + c` in words of four, each four addresses of 16 bits.
                for { let next := {{ m.program }} } lt(next, {{ m.program_end }}) { next := add(next, 0x20) } {
                    let w := mload(next)
{%- for lane in lanes %}
                    mstore({{ lane.to }}, addmod(mulmod(mload({{ lane.a }}), mload({{ lane.b }}), r), mload({{ lane.c }}), r))
{%- endfor %}
                }
{%- endif %}
                mstore({{ m.quotient_value }}, mulmod(mload({{ m.numerator }}), mload({{ m.vanishing_inverse }}), r))
            }

            // SHPLONK at z': the set's polynomials f_i with opening points x_j = ω^j·z contribute γ^s·Z_1/Z_s·μ^i·(f_i − Σ_j l_j·f_i(x_j)).
            function openings(r) {
                let hold := mload({{ m.hold }})
                let mu := mload({{ m.mu }})
                let gamma := mload({{ m.gamma }})
                let total
                mstore(add(hold, 0x40), 1)
{%- for line in openings %}
                {{ line }}
{%- endfor %}
                if iszero(mload(add(hold, 0x40))) { refuseWords({{ errors.scalar_not_canonical }}, {{ m.evaluations }}, r) } // ScalarNotCanonical, CHECK: evaluation-canonical
                mstore({{ m.evaluation_sum }}, mulmod(total, mload({{ m.first_product }}), r))
            }
{% if accumulator %}
            // Coordinates from three limbs: 88, 88 and at most 80 bits, so that nothing is cut off; the curve operations refuse those >= q.
            function exposedPoints() {
                let over := coordinate({{ m.limbs }}, {{ m.exposed }})
                over := or(over, coordinate(add({{ m.limbs }}, 0x60), {{ m.exposed_left_y }}))
                over := or(over, coordinate(add({{ m.limbs }}, 0xc0), {{ m.exposed_right }}))
                over := or(over, coordinate(add({{ m.limbs }}, 0x120), {{ m.exposed_right_y }}))
                if over { refuseLimbs() } // CHECK: limbs
                // No point of the curve has y = 0, the encoding of infinity has.
                if iszero(mload({{ m.exposed_left_y }})) { failAt({{ errors.point_at_infinity }}, {{ proof_points }}) } // PointAtInfinity, CHECK: exposed-left-infinity
                if iszero(mload({{ m.exposed_right_y }})) { failAt({{ errors.point_at_infinity }}, add({{ proof_points }}, 1)) } // PointAtInfinity, CHECK: exposed-right-infinity
            }
            function coordinate(limbs, to) -> over {
                let low := mload(limbs)
                let middle := mload(add(limbs, 0x20))
                let high := mload(add(limbs, 0x40))
                over := or(over, shr(88, low)) // CHECK: limb-low
                over := or(over, shr(88, middle)) // CHECK: limb-middle
                over := or(over, shr(80, high)) // CHECK: limb-high
                mstore(to, or(low, or(shl(88, middle), shl(176, high))))
            }
{% endif %}
{%- if !straight %}
            // sum · multiplier + point, where the sum is at 0x00.
            function addPoint(point, ok) -> still {
                still := and(and(eq(returndatasize(), 0x40), staticcall(50000, 7, 0x00, 0x60, add(point, 0x40), 0x40)), ok)
                still := and(and(eq(returndatasize(), 0x40), staticcall(50000, 6, point, 0x80, 0x00, 0x40)), still)
            }
{%- endif %}
            // lhs and rhs: the proof's own pair{% if accumulator %} plus the exposed one times the folding challenge{% endif %}.
            function points(r) {
                let ok := 1
{%- for line in points %}
                {{ line }}
{%- endfor %}
            }
            // e(lhs, G2)·e(rhs, −τG2) = 1
            function pair() {
                if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), 8, {{ m.key }}, 0x180, 0x00, 0x20))) { failAt({{ errors.precompile_failed }}, 8) } // CHECK: pairing-call
                if iszero(eq(mload(0x00), 1)) { fail({{ errors.pairing_failed }}) } // PairingFailed, CHECK: pairing-value
            }

            if iszero(eq(calldatasize(), {{ calldata_size }})) { failPair({{ errors.calldata_length }}, calldatasize(), {{ calldata_size }}) } // CalldataLength, CHECK: calldata-length
{%- if split %}
            {
                // A byte STOP, then the key: nobody can call the key contract into doing something.
                let keyContract := calldataload(0x00)
                let size := extcodesize(keyContract)
                if iszero(eq(size, {{ key_contract_size }})) { failPair({{ errors.key_length }}, size, {{ key_contract_size }}) } // KeyLength, CHECK: key-length
                extcodecopy(keyContract, {{ m.key }}, 1, {{ key_size }})
                if iszero(eq(mload({{ m.key }}), {{ shape_digest }})) { failPair({{ errors.key_shape_mismatch }}, mload({{ m.key }}), {{ shape_digest }}) } // KeyShapeMismatch, CHECK: key-shape
            }
{%- else %}
{%- for word in key_words %}
            mstore({{ word.address }}, {{ word.value }})
{%- endfor %}
{%- endif %}
            mstore({{ m.transcript }}, mload({{ m.initial_state }}))
{%- for line in copies %}
            {{ line }}
{%- endfor %}
            // After the copies of calldata, so that the optimizer does not know the word and repeat it at each use.
            let r := mload({{ m.r }})

            // Challenges, in the order in which the prover drew them.
            {
                let state
{%- for line in squeezes %}
                {{ line }}
{%- endfor %}
            }
            forget()
            poles(r)
            forget()
            invert(r)
            forget()
            products(r)
            quotient(r)
            openings(r)
{%- if accumulator %}
            exposedPoints()
{%- endif %}
            points(r)
            pair()
            return(0x00, 0x00)
        }
    }
}
