// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBatchVerifier} from "./IBatchVerifier.sol";
import {IModelVerifier} from "./IModelVerifier.sol";
import {InferenceSet} from "./InferenceSet.sol";

/// @title Several results under one proof
/// @notice Verifier of a model that was compiled for `slots` results a proof, each with inputs, outputs and context of its own: for a single
/// result (`verify`) and for a set of up to `slots` of them (`verifySet`). Immutable and stateless.
/// @dev Stands before a *flat* verifier, for which the proof is one of B = `slots` times the words, with the public inputs
///
///     12 accumulator limbs | M | I_0 … I_{B−1} | O_0 … O_{B−1} | C
///
/// I_i and O_i are result i's packed words, `inputWords` and `outputWords` of them, and C binds every result's context word C_i:
///
///     C = uint256(keccak256(abi.encodePacked(BATCH_TAG, C_0, …, C_{B−1}))) >> 8        (248 bits)
///
/// An accepted proof says: *M gives O_i for I_i, for each i < B, and the proof was made for C_0 … C_{B−1}*. With n < B results the last one
/// fills slots n … B−1; a single result is n = 1. Instance indices in the flat verifier's errors count over the flat words.
contract BatchVerifier is IModelVerifier, IBatchVerifier {
    /// @notice A batch has at least two slots.
    error TooFewSlots(uint256 slots);

    /// @notice The flat verifier's words cannot be shared out evenly.
    error WordsNotDivisible(uint256 words, uint256 slots);

    /// @notice No result, or more than the proof has slots for.
    error BatchSize(uint256 got, uint256 slots);

    /// @notice The set's proof has more or fewer bytes than one for its number of results.
    error SetProofLength(uint256 got, uint256 expected);

    /// @notice An offset, a length or the padding of the set's proof is not what an encoder writes; `position` counts bytes.
    error SetProofEncoding(uint256 position, uint256 got, uint256 expected);

    /// @notice First word of the preimage of C.
    bytes32 public constant BATCH_TAG = keccak256("halocast.batch.context.v1");

    /// @dev Bytes of the four offsets before the first array of a set's proof.
    uint256 private constant HEAD = 128;

    /// @notice Judges the flat statement. In a deployment a RoutedVerifier, so that a stopped route stops sets as well.
    IModelVerifier public immutable flat;
    /// @notice Results a proof has room for.
    uint256 public immutable slots;

    /// @inheritdoc IModelVerifier
    bytes32 public immutable override(IModelVerifier, IBatchVerifier) modelId;
    /// @inheritdoc IModelVerifier
    /// @dev Of one result.
    uint256 public immutable override inputWords;
    /// @inheritdoc IModelVerifier
    /// @dev Of one result.
    uint256 public immutable override outputWords;
    /// @inheritdoc IModelVerifier
    uint256 public immutable override proofLength;
    /// @inheritdoc IModelVerifier
    bool public immutable override(IModelVerifier, IBatchVerifier) srsIsInsecure;
    /// @inheritdoc IModelVerifier
    bytes32 public immutable override(IModelVerifier, IBatchVerifier) vkDigest;
    /// @inheritdoc IModelVerifier
    bytes32 public immutable override srsDigest;
    /// @inheritdoc IModelVerifier
    bytes32 public immutable override circuitDigest;
    /// @inheritdoc IModelVerifier
    address public immutable override keyContract;
    /// @inheritdoc IModelVerifier
    address public immutable override rawVerifier;

    /// @param flat_ The verifier of the flat statement.
    /// @param slots_ Results a proof has room for; must divide the flat verifier's numbers of words.
    constructor(
        IModelVerifier flat_,
        uint256 slots_
    ) {
        if (slots_ < 2) revert TooFewSlots(slots_);
        uint256 inputs = flat_.inputWords();
        uint256 outputs = flat_.outputWords();
        if (inputs % slots_ != 0) revert WordsNotDivisible(inputs, slots_);
        if (outputs % slots_ != 0) revert WordsNotDivisible(outputs, slots_);
        flat = flat_;
        slots = slots_;
        modelId = flat_.modelId();
        inputWords = inputs / slots_;
        outputWords = outputs / slots_;
        proofLength = flat_.proofLength();
        srsIsInsecure = flat_.srsIsInsecure();
        vkDigest = flat_.vkDigest();
        srsDigest = flat_.srsDigest();
        circuitDigest = flat_.circuitDigest();
        keyContract = flat_.keyContract();
        rawVerifier = flat_.rawVerifier();
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
        uint256[] memory contexts = new uint256[](slots);
        for (uint256 i = 0; i < contexts.length; ++i) {
            contexts[i] = context;
        }
        flat.verify(modelId_, _contextOf(contexts), _filled(inputs, inputWords), _filled(outputs, outputWords), proof);
    }

    /// @inheritdoc IBatchVerifier
    /// @dev proof = abi.encode(uint256[] contexts, uint256[] inputs, uint256[] outputs, bytes blob): the n results' context words, their input
    /// words one result after the other, their output words, and what the flat verifier takes. Only what an encoder writes is taken.
    function verifySet(
        bytes32 modelId_,
        bytes32 root,
        uint8 depth,
        bytes calldata proof
    ) external view override {
        if (modelId_ != modelId) revert BatchModelMismatch(modelId_, modelId);
        (uint256[] calldata contexts, uint256[] calldata inputs, uint256[] calldata outputs, bytes calldata blob) = _decode(proof);
        if ((contexts.length - 1) >> depth != 0) revert SetTooShallow(contexts.length, depth);
        // From here on there are these words only: what is hashed is what is proven.
        uint256[] memory allContexts = _filled(contexts, 1);
        uint256[] memory allInputs = _filled(inputs, inputWords);
        uint256[] memory allOutputs = _filled(outputs, outputWords);
        bytes32[] memory leaves = new bytes32[](contexts.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            bytes32 inputsHash = _hashOf(allInputs, i, inputWords);
            leaves[i] = InferenceSet.leafOf(modelId_, allContexts[i], inputsHash, _hashOf(allOutputs, i, outputWords));
        }
        bytes32 expected = InferenceSet.rootOfFirst(leaves, depth);
        if (root != expected) revert SetRootMismatch(root, expected);
        flat.verify(modelId_, _contextOf(allContexts), allInputs, allOutputs, blob);
    }

    /// @notice The context word C of a whole proof, for the context words of 1 … `slots` results.
    function batchContextOf(
        uint256[] calldata contexts
    ) external view returns (uint256) {
        if (contexts.length == 0 || contexts.length > slots) revert BatchSize(contexts.length, slots);
        return _contextOf(_filled(contexts, 1));
    }

    function _contextOf(
        uint256[] memory contexts
    ) private pure returns (uint256) {
        return uint256(keccak256(abi.encodePacked(BATCH_TAG, contexts))) >> 8;
    }

    /// @dev The words of 1 … `slots` results, `words` each, and the last result's again for each slot that is left.
    function _filled(
        uint256[] calldata given,
        uint256 words
    ) private view returns (uint256[] memory all) {
        all = new uint256[](slots * words);
        // mem: writes the words of `all` and nothing else; given.length is a multiple of `words`, between `words` and all.length
        assembly ("memory-safe") {
            let bytes_ := shl(5, words)
            let end := add(add(all, 32), shl(5, mload(all)))
            calldatacopy(add(all, 32), given.offset, shl(5, given.length))
            let next := add(add(all, 32), shl(5, given.length))
            let last := sub(next, bytes_)
            for {} lt(next, end) { next := add(next, bytes_) } { mcopy(next, last, bytes_) }
        }
    }

    /// @dev keccak256 of result number `item`'s words, as InferenceSet hashes them.
    function _hashOf(
        uint256[] memory all,
        uint256 item,
        uint256 words
    ) private pure returns (bytes32 hash) {
        // mem: reads words of `all`; item is below `slots`
        assembly ("memory-safe") {
            hash := keccak256(add(add(all, 32), shl(5, mul(item, words))), shl(5, words))
        }
    }

    /// @dev The number of results fixes every offset and length, so there is one encoding of a proof and this takes no other.
    function _decode(
        bytes calldata proof
    )
        private
        view
        returns (uint256[] calldata contexts, uint256[] calldata inputs, uint256[] calldata outputs, bytes calldata blob)
    {
        if (proof.length < HEAD + 32) revert SetProofLength(proof.length, HEAD + 32);
        uint256 count = _wordAt(proof, HEAD);
        if (count == 0 || count > slots) revert BatchSize(count, slots);
        uint256 inputsAt = HEAD + 32 * (1 + count);
        uint256 outputsAt = inputsAt + 32 * (1 + count * inputWords);
        uint256 blobAt = outputsAt + 32 * (1 + count * outputWords);
        uint256 padding = (32 - proofLength % 32) % 32;
        uint256 end = blobAt + 32 + proofLength + padding;
        if (proof.length != end) revert SetProofLength(proof.length, end);
        _expectWord(proof, 0, HEAD);
        _expectWord(proof, 32, inputsAt);
        _expectWord(proof, 64, outputsAt);
        _expectWord(proof, 96, blobAt);
        _expectWord(proof, inputsAt, count * inputWords);
        _expectWord(proof, outputsAt, count * outputWords);
        _expectWord(proof, blobAt, proofLength);
        uint256 full = 256 - 8 * padding;
        uint256 pad = (_wordAt(proof, end - 32) << full) >> full;
        if (pad != 0) revert SetProofEncoding(end - padding, pad, 0);

        // mem: none
        assembly ("memory-safe") {
            contexts.offset := add(proof.offset, add(HEAD, 32))
            contexts.length := count
            inputs.offset := add(proof.offset, add(inputsAt, 32))
            inputs.length := calldataload(add(proof.offset, inputsAt))
            outputs.offset := add(proof.offset, add(outputsAt, 32))
            outputs.length := calldataload(add(proof.offset, outputsAt))
            blob.offset := add(proof.offset, add(blobAt, 32))
            blob.length := calldataload(add(proof.offset, blobAt))
        }
    }

    function _expectWord(
        bytes calldata proof,
        uint256 position,
        uint256 expected
    ) private pure {
        uint256 got = _wordAt(proof, position);
        if (got != expected) revert SetProofEncoding(position, got, expected);
    }

    function _wordAt(
        bytes calldata proof,
        uint256 position
    ) private pure returns (uint256) {
        return uint256(bytes32(proof[position:position + 32]));
    }
}
