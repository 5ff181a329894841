// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @dev Results of one batch: contexts, and the words of inputs and outputs one result after the other.
struct Results {
    uint256[] contexts;
    uint256[] inputs;
    uint256[] outputs;
}

/// @dev What a batch is, written down a second time: plain loops over the documented formulas, nothing from src/.
library Batches {
    /// @dev The words of all slots: the given ones, then the last result's again and again.
    function filled(
        uint256[] memory given,
        uint256 words,
        uint256 slots
    ) internal pure returns (uint256[] memory all) {
        all = new uint256[](words * slots);
        uint256 count = given.length / words;
        for (uint256 slot = 0; slot < slots; ++slot) {
            uint256 result = slot < count ? slot : count - 1;
            for (uint256 w = 0; w < words; ++w) {
                all[slot * words + w] = given[result * words + w];
            }
        }
    }

    /// @dev C of a whole proof.
    function context(
        uint256[] memory contexts,
        uint256 slots
    ) internal pure returns (uint256) {
        bytes memory preimage = abi.encodePacked(keccak256("halocast.batch.context.v1"));
        uint256[] memory all = filled(contexts, 1, slots);
        for (uint256 i = 0; i < slots; ++i) {
            preimage = bytes.concat(preimage, bytes32(all[i]));
        }
        return uint256(keccak256(preimage)) >> 8;
    }

    /// @dev Words of one result.
    function wordsOf(
        uint256[] memory given,
        uint256 result,
        uint256 count
    ) internal pure returns (uint256[] memory part) {
        part = new uint256[](count);
        for (uint256 w = 0; w < count; ++w) {
            part[w] = given[result * count + w];
        }
    }

    function single(
        Results memory r,
        uint256 result
    ) internal pure returns (Results memory one) {
        uint256 count = r.contexts.length;
        one.contexts = wordsOf(r.contexts, result, 1);
        one.inputs = wordsOf(r.inputs, result, r.inputs.length / count);
        one.outputs = wordsOf(r.outputs, result, r.outputs.length / count);
    }

    /// @dev All levels of a tree with 2^depth leaves, the leaves first.
    function tree(
        bytes32 model,
        Results memory r,
        uint256 depth
    ) internal pure returns (bytes32[][] memory levels) {
        levels = new bytes32[][](depth + 1);
        levels[0] = new bytes32[](1 << depth);
        for (uint256 i = 0; i < r.contexts.length; ++i) {
            Results memory one = single(r, i);
            bytes32 tag = keccak256("halocast.set.leaf.v1");
            bytes32 inputs = keccak256(abi.encodePacked(one.inputs));
            levels[0][i] = keccak256(abi.encode(tag, model, one.contexts[0], inputs, keccak256(abi.encodePacked(one.outputs))));
        }
        for (uint256 level = 1; level <= depth; ++level) {
            levels[level] = new bytes32[](1 << (depth - level));
            for (uint256 i = 0; i < levels[level].length; ++i) {
                bytes32 left = levels[level - 1][2 * i];
                levels[level][i] = keccak256(abi.encode(keccak256("halocast.set.node.v1"), left, levels[level - 1][2 * i + 1]));
            }
        }
    }

    function root(
        bytes32 model,
        Results memory r,
        uint256 depth
    ) internal pure returns (bytes32) {
        return tree(model, r, depth)[depth][0];
    }

    function path(
        bytes32[][] memory levels,
        uint256 index
    ) internal pure returns (bytes32[] memory siblings) {
        siblings = new bytes32[](levels.length - 1);
        for (uint256 level = 0; level < siblings.length; ++level) {
            siblings[level] = levels[level][(index >> level) ^ 1];
        }
    }

    function encode(
        Results memory r,
        bytes memory blob
    ) internal pure returns (bytes memory) {
        return abi.encode(r.contexts, r.inputs, r.outputs, blob);
    }
}
