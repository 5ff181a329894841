// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInferenceOracle} from "../IInferenceOracle.sol";
import {IModelRegistry, ModelRoute, ModelStatus} from "../IModelRegistry.sol";
import {IModelVerifier} from "../IModelVerifier.sol";

/// @title A registered model's verifier that takes values
/// @notice For a contract that brings a proof to a verifier by itself and has tensors' values, not packed words: packs them as the model's are packed,
/// after checking that there are as many as the model has and that each is in the range of its bits, and asks the model's verifier.
/// @dev Pins what the registry's entry says for good: verifier, packing, numbers of values (scales and shapes are beside them in the entry, and never
/// change either). Stateless. Contexts are the caller's, as with the verifier itself: whoever acts on a proof must choose one that is good once.
contract ValueVerifier {
    /// @notice Not as many input values as the model takes.
    error InputValueCount(uint256 got, uint256 expected);

    /// @notice Not as many output values as the model gives.
    error OutputValueCount(uint256 got, uint256 expected);

    /// @notice Input value number `index` needs more bits than a value of this model has.
    error InputValueOutOfRange(uint256 index, int256 value);

    /// @notice Output value number `index` needs more bits than a value of this model has.
    error OutputValueOutOfRange(uint256 index, int256 value);

    /// @notice The registry.
    IModelRegistry public immutable registry;
    /// @notice The model's registered verifier.
    IModelVerifier public immutable verifier;
    /// @notice The model's commitment M.
    bytes32 public immutable modelId;
    /// @notice Values of all input tensors together, in their order.
    uint256 public immutable inputValues;
    /// @notice Values of all output tensors together, in their order.
    uint256 public immutable outputValues;
    /// @notice Bits of a value: from −2^(bits − 1) to 2^(bits − 1) − 1.
    uint256 public immutable valueBits;
    /// @notice Values in a word.
    uint256 public immutable valuesPerWord;

    /// @param registry_ The registry that says which verifier speaks for the model.
    /// @param modelId_ A model that is registered there.
    constructor(
        IModelRegistry registry_,
        bytes32 modelId_
    ) {
        ModelRoute memory route = registry_.routeOf(modelId_); // reverts for a model that is not registered
        registry = registry_;
        modelId = modelId_;
        verifier = route.verifier;
        inputValues = route.inputValues;
        outputValues = route.outputValues;
        valueBits = route.valueBits;
        valuesPerWord = route.valuesPerWord;
    }

    /// @notice Returns if the proof shows that the model gives these outputs for these inputs, made for `context`; reverts if not, by an error above or
    /// one of IModelVerifier.
    function verify(
        uint256 context,
        int256[] calldata inputs,
        int256[] calldata outputs,
        bytes calldata proof
    ) external view {
        if (registry.statusOf(modelId) == ModelStatus.Revoked) revert IInferenceOracle.ModelRevoked(modelId);
        (uint256[] memory inputWords, uint256[] memory outputWords) = pack(inputs, outputs);
        verifier.verify(modelId, context, inputWords, outputWords, proof);
    }

    /// @notice The packed words of these values.
    function pack(
        int256[] calldata inputs,
        int256[] calldata outputs
    ) public view returns (uint256[] memory inputWords, uint256[] memory outputWords) {
        if (inputs.length != inputValues) revert InputValueCount(inputs.length, inputValues);
        if (outputs.length != outputValues) revert OutputValueCount(outputs.length, outputValues);
        uint256 bad;
        (inputWords, bad) = _pack(inputs);
        if (bad != inputs.length) revert InputValueOutOfRange(bad, inputs[bad]);
        (outputWords, bad) = _pack(outputs);
        if (bad != outputs.length) revert OutputValueOutOfRange(bad, outputs[bad]);
    }

    /// @notice Digest of the outer circuit's verifying key.
    function vkDigest() external view returns (bytes32) {
        return verifier.vkDigest();
    }

    /// @notice Names the secret of the structured reference string.
    function srsDigest() external view returns (bytes32) {
        return verifier.srsDigest();
    }

    /// @notice Digest of the outer circuit without its key.
    function circuitDigest() external view returns (bytes32) {
        return verifier.circuitDigest();
    }

    /// @dev The words, and the index of the first value out of range, or the number of values if there is none.
    function _pack(
        int256[] calldata values
    ) private view returns (uint256[] memory words, uint256 bad) {
        uint256 bits = valueBits;
        uint256 perWord = valuesPerWord;
        uint256 offset = 2 ** (bits - 1); // the registry takes 1 to 248 bits
        words = new uint256[]((values.length + perWord - 1) / perWord);
        for (uint256 i = 0; i < values.length; ++i) {
            uint256 raw;
            // A value below −offset wraps around to one far above all that are in range, as does one near 2^255.
            unchecked {
                raw = uint256(values[i]) + offset;
            }
            if (raw >> bits != 0) return (words, i);
            words[i / perWord] |= raw << (bits * (i % perWord));
        }
        return (words, values.length);
    }
}
