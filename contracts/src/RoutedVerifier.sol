// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IModelVerifier} from "./IModelVerifier.sol";
import {IVerifierRouter, RouteStatus} from "./IVerifierRouter.sol";

/// @title A router's leaf, seen as a verifier
/// @notice What a registry is given instead of the leaf itself, so that stopping the route stops the model's proofs: says of itself what
/// the leaf says, and sends every proof through the router.
contract RoutedVerifier is IModelVerifier {
    /// @notice The router.
    IVerifierRouter public immutable router;
    /// @notice The route.
    bytes4 public immutable selector;

    /// @inheritdoc IModelVerifier
    bytes32 public immutable override modelId;
    /// @inheritdoc IModelVerifier
    uint256 public immutable override inputWords;
    /// @inheritdoc IModelVerifier
    uint256 public immutable override outputWords;
    /// @inheritdoc IModelVerifier
    uint256 public immutable override proofLength;
    /// @inheritdoc IModelVerifier
    bool public immutable override srsIsInsecure;
    /// @inheritdoc IModelVerifier
    bytes32 public immutable override vkDigest;
    /// @inheritdoc IModelVerifier
    bytes32 public immutable override srsDigest;
    /// @inheritdoc IModelVerifier
    bytes32 public immutable override circuitDigest;
    /// @inheritdoc IModelVerifier
    address public immutable override keyContract;
    /// @inheritdoc IModelVerifier
    address public immutable override rawVerifier;

    /// @param router_ The router.
    /// @param selector_ A route that has not ended.
    constructor(
        IVerifierRouter router_,
        bytes4 selector_
    ) {
        RouteStatus status = router_.routeOf(selector_).status;
        if (status != RouteStatus.Active && status != RouteStatus.Stopped) revert IVerifierRouter.SelectorUnknown(selector_);
        IModelVerifier leaf = router_.routeOf(selector_).verifier;
        router = router_;
        selector = selector_;
        modelId = leaf.modelId();
        inputWords = leaf.inputWords();
        outputWords = leaf.outputWords();
        proofLength = leaf.proofLength();
        srsIsInsecure = leaf.srsIsInsecure();
        vkDigest = leaf.vkDigest();
        srsDigest = leaf.srsDigest();
        circuitDigest = leaf.circuitDigest();
        keyContract = leaf.keyContract();
        rawVerifier = leaf.rawVerifier();
    }

    /// @inheritdoc IModelVerifier
    function verify(
        bytes32 modelId_,
        uint256 context,
        uint256[] calldata inputs,
        uint256[] calldata outputs,
        bytes calldata proof
    ) external view override {
        router.verify(selector, modelId_, context, inputs, outputs, proof);
    }
}
