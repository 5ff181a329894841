// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ModelVerifier} from "../../src/ModelVerifier.sol";

/// @dev Pins of a leaf over a verifier that holds its own key.
library Leaves {
    function pins(
        address raw,
        bytes32 model,
        uint256 inputs,
        uint256 outputs,
        uint256 length
    ) internal view returns (ModelVerifier.Pins memory) {
        return ModelVerifier.Pins({
            rawVerifier: raw,
            rawCodeHash: raw.codehash,
            keyContract: address(0),
            keyCodeHash: 0,
            modelId: model,
            inputWords: inputs,
            outputWords: outputs,
            proofLength: length,
            vkDigest: bytes32(uint256(9)),
            srsDigest: bytes32(uint256(10)),
            circuitDigest: bytes32(uint256(11)),
            srsIsInsecure: false
        });
    }
}
