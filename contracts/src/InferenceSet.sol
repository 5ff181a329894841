// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Merkle tree of results
/// @notice A tree of fixed depth. Leaves and inner nodes are hashed with different tags and lengths (five words, three words), and a path
/// has exactly `depth` nodes, so that no inner node passes for a leaf and no leaf for an inner node. An unused leaf is 0.
library InferenceSet {
    /// @notice First word of a leaf's preimage.
    bytes32 internal constant LEAF_TAG = keccak256("halocast.set.leaf.v1");

    /// @notice First word of an inner node's preimage.
    bytes32 internal constant NODE_TAG = keccak256("halocast.set.node.v1");

    /// @notice Deepest tree.
    uint8 internal constant MAX_DEPTH = 32;

    /// @notice keccak256(abi.encode(LEAF_TAG, modelId, context, keccak256(inputs), keccak256(outputs))), words without their number: the
    /// model fixes it.
    function leafHash(
        bytes32 modelId,
        uint256 context,
        uint256[] memory inputs,
        uint256[] calldata outputs
    ) internal pure returns (bytes32) {
        return leafOf(modelId, context, keccak256(abi.encodePacked(inputs)), keccak256(abi.encodePacked(outputs)));
    }

    /// @notice `leafHash` for words that are hashed already.
    function leafOf(
        bytes32 modelId,
        uint256 context,
        bytes32 inputsHash,
        bytes32 outputsHash
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(LEAF_TAG, modelId, context, inputsHash, outputsHash));
    }

    /// @notice keccak256(abi.encode(NODE_TAG, left, right)).
    function nodeHash(
        bytes32 left,
        bytes32 right
    ) internal pure returns (bytes32 hash) {
        bytes32 tag = NODE_TAG;
        // mem: p = old 0x40 | tag | left | right; 0x40 is not moved, nothing is kept after the hash
        assembly ("memory-safe") {
            let p := mload(0x40)
            mstore(p, tag)
            mstore(add(p, 0x20), left)
            mstore(add(p, 0x40), right)
            hash := keccak256(p, 0x60)
        }
    }

    /// @notice Root of the tree in which `leaf` stands at `index` with these siblings, the leaf's own first.
    /// @dev Bits of `index` above the path's length are not looked at; the caller refuses them.
    function rootOf(
        bytes32 leaf,
        uint256 index,
        bytes32[] calldata path
    ) internal pure returns (bytes32 node) {
        node = leaf;
        for (uint256 level = 0; level < path.length; ++level) {
            node = (index >> level) & 1 == 0 ? nodeHash(node, path[level]) : nodeHash(path[level], node);
        }
    }

    /// @notice Root of the tree of `depth` levels whose first leaves are these (at least one, at most 2^depth) and whose others are 0.
    /// @dev Writes over `nodes`.
    function rootOfFirst(
        bytes32[] memory nodes,
        uint256 depth
    ) internal pure returns (bytes32) {
        uint256 used = nodes.length;
        bytes32 unused = 0; // root of a subtree without used leaves
        for (uint256 level = 0; level < depth; ++level) {
            for (uint256 i = 0; i < used; i += 2) {
                nodes[i / 2] = nodeHash(nodes[i], i + 1 < used ? nodes[i + 1] : unused);
            }
            used = (used + 1) / 2;
            unused = nodeHash(unused, unused);
        }
        return nodes[0];
    }
}
