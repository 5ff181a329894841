// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IModelVerifier} from "./IModelVerifier.sol";

/// @title Leaf verifier over a generated Halo2 verifier
/// @notice Immutable and stateless. Checks every length, that every public input is a field element and that the model is the right one,
/// builds the public inputs itself and lets the raw verifier judge.
/// @dev The raw verifier (snark-verifier's EVM code) takes `instances (32 bytes each) ‖ proof` without a selector, reverts on failure and
/// silently reduces instances modulo r: what it is given must have been checked here.
contract ModelVerifier is IModelVerifier {
    /// @notice Modulus r of the BN254 scalar field.
    uint256 public constant SCALAR_MODULUS =
        21_888_242_871_839_275_222_246_405_745_257_275_088_548_364_400_416_034_343_698_204_186_575_808_495_617;

    /// @notice Accumulator limbs: two curve points of two coordinates of three limbs.
    uint256 public constant ACCUMULATOR_LIMBS = 12;

    /// @notice Bits of one limb.
    uint256 public constant LIMB_BITS = 88;

    /// @dev 32 * ACCUMULATOR_LIMBS; a literal, because assembly takes no expression.
    uint256 private constant LIMB_BYTES = 384;

    /// @inheritdoc IModelVerifier
    bytes32 public immutable override modelId;
    /// @inheritdoc IModelVerifier
    uint256 public immutable override inputWords;
    /// @inheritdoc IModelVerifier
    uint256 public immutable override outputWords;
    /// @inheritdoc IModelVerifier
    uint256 public immutable override proofLength;
    /// @inheritdoc IModelVerifier
    bytes32 public immutable override vkDigest;
    /// @inheritdoc IModelVerifier
    bool public immutable override srsIsInsecure;
    /// @inheritdoc IModelVerifier
    address public immutable override rawVerifier;

    /// @param rawVerifier_ The generated Halo2 verifier.
    /// @param modelId_ The model's commitment M.
    /// @param inputWords_ Number of packed input words.
    /// @param outputWords_ Number of packed output words.
    /// @param proofLength_ Bytes of a proof blob, limbs included.
    /// @param vkDigest_ Digest of the outer circuit's verifying key.
    /// @param srsIsInsecure_ Whether the key was made with a development reference string; then only chains 31337 and 1337 are taken.
    /// @param rawCodeHash Code hash the raw verifier must have.
    constructor(
        address rawVerifier_,
        bytes32 modelId_,
        uint256 inputWords_,
        uint256 outputWords_,
        uint256 proofLength_,
        bytes32 vkDigest_,
        bool srsIsInsecure_,
        bytes32 rawCodeHash
    ) {
        // An address without code has hash 0 or that of the empty string; a staticcall to it would succeed.
        if (rawVerifier_.codehash != rawCodeHash || rawVerifier_.code.length == 0) {
            revert RawVerifierCodeMismatch(rawVerifier_.codehash, rawCodeHash);
        }
        if (srsIsInsecure_ && block.chainid != 31_337 && block.chainid != 1337) revert InsecureSrsOnPublicChain(block.chainid);
        if (uint256(modelId_) >= SCALAR_MODULUS) revert InstanceNotInField(ACCUMULATOR_LIMBS);
        if (proofLength_ <= LIMB_BYTES) revert ProofLength(proofLength_, LIMB_BYTES + 1);

        rawVerifier = rawVerifier_;
        modelId = modelId_;
        inputWords = inputWords_;
        outputWords = outputWords_;
        proofLength = proofLength_;
        vkDigest = vkDigest_;
        srsIsInsecure = srsIsInsecure_;
    }

    /// @inheritdoc IModelVerifier
    function verify(
        bytes32 modelId_,
        uint256 context,
        uint256[] calldata inputs,
        uint256[] calldata outputs,
        bytes calldata proof
    ) external view override {
        if (modelId_ != modelId) revert ModelMismatch(modelId_, modelId);
        if (inputs.length != inputWords) revert InputLength(inputs.length, inputWords);
        if (outputs.length != outputWords) revert OutputLength(outputs.length, outputWords);
        if (proof.length != proofLength) revert ProofLength(proof.length, proofLength);

        for (uint256 i = 0; i < ACCUMULATOR_LIMBS; ++i) {
            uint256 limb = uint256(bytes32(proof[32 * i:32 * i + 32]));
            if (limb >= SCALAR_MODULUS) revert InstanceNotInField(i);
            if (limb >> LIMB_BITS != 0) revert LimbOutOfRange(i);
        }
        // M was checked in the constructor.
        for (uint256 i = 0; i < inputs.length; ++i) {
            if (inputs[i] >= SCALAR_MODULUS) revert InstanceNotInField(ACCUMULATOR_LIMBS + 1 + i);
        }
        for (uint256 i = 0; i < outputs.length; ++i) {
            if (outputs[i] >= SCALAR_MODULUS) revert InstanceNotInField(ACCUMULATOR_LIMBS + 1 + inputs.length + i);
        }
        if (context >= SCALAR_MODULUS) revert InstanceNotInField(ACCUMULATOR_LIMBS + 1 + inputs.length + outputs.length);

        if (!_callRaw(rawVerifier, modelId_, context, inputs, outputs, proof)) revert ProofRejected();
    }

    /// @dev Lays out `limbs | M | I | O | C ‖ SNARK proof` and calls the raw verifier; lengths were checked.
    function _callRaw(
        address raw,
        bytes32 modelId_,
        uint256 context,
        uint256[] calldata inputs,
        uint256[] calldata outputs,
        bytes calldata proof
    ) private view returns (bool success) {
        // mem: p = old 0x40 | p limbs (12 words) | M | I… | O… | C | SNARK proof; 0x40 is not moved, nothing is kept after the call
        assembly ("memory-safe") {
            let p := mload(0x40)
            let at := p
            calldatacopy(at, proof.offset, LIMB_BYTES)
            at := add(at, LIMB_BYTES)
            mstore(at, modelId_)
            at := add(at, 32)
            let size := shl(5, inputs.length)
            calldatacopy(at, inputs.offset, size)
            at := add(at, size)
            size := shl(5, outputs.length)
            calldatacopy(at, outputs.offset, size)
            at := add(at, size)
            mstore(at, context)
            at := add(at, 32)
            size := sub(proof.length, LIMB_BYTES)
            calldatacopy(at, add(proof.offset, LIMB_BYTES), size)
            at := add(at, size)
            success := staticcall(gas(), raw, p, sub(at, p), 0, 0)
        }
    }
}
