// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IModelVerifier} from "./IModelVerifier.sol";
import {Evidence, IVerifierRouter, Route, RouteStatus} from "./IVerifierRouter.sol";

/// @title Router of verifiers
/// @notice See IVerifierRouter.
contract VerifierRouter is IVerifierRouter, AccessControl {
    /// @notice May stop routes.
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");

    /// @notice May let stopped routes go on.
    bytes32 public constant RESUMER_ROLE = keccak256("RESUMER_ROLE");

    /// @notice First word of a selector's preimage.
    bytes32 public constant SELECTOR_TAG = keccak256("halocast.router.selector.v1");

    /// @notice First word of a reserved context's preimage.
    bytes32 public constant EXPLOIT_TAG = keccak256("halocast.router.impossible.v1");

    /// @dev Packed values fill at most so many bits of a word (ModelRegistry refuses others).
    uint256 private constant MAX_WORD_BITS = 248;

    /// @inheritdoc IVerifierRouter
    bool public override frozen;

    mapping(bytes4 selector => Route) private _routes;

    /// @param admin Adds and removes routes, freezes, grants and takes roles: a timelock.
    /// @param guardian First holder of GUARDIAN_ROLE.
    /// @param resumer First holder of RESUMER_ROLE.
    constructor(
        address admin,
        address guardian,
        address resumer
    ) {
        if (admin == address(0)) revert InvalidRouterAdmin();
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(GUARDIAN_ROLE, guardian);
        _grantRole(RESUMER_ROLE, resumer);
    }

    /// @inheritdoc IVerifierRouter
    function addVerifier(
        IModelVerifier verifier
    ) external override onlyRole(DEFAULT_ADMIN_ROLE) returns (bytes4 selector) {
        if (frozen) revert RouterFrozen();
        if (address(verifier).code.length == 0) revert LeafHasNoCode(address(verifier));
        selector = selectorOf(verifier);
        RouteStatus status = _routes[selector].status;
        if (status == RouteStatus.Active || status == RouteStatus.Stopped) revert SelectorInUse(selector);
        if (status != RouteStatus.Unknown) _revertTombstone(selector, status);
        _routes[selector] = Route(verifier, RouteStatus.Active);
        emit RouteAdded(selector, address(verifier), verifier.modelId(), verifier.vkDigest());
    }

    /// @inheritdoc IVerifierRouter
    function removeVerifier(
        bytes4 selector
    ) external override onlyRole(DEFAULT_ADMIN_ROLE) {
        _living(selector).status = RouteStatus.Removed;
        emit RouteRemoved(selector, msg.sender);
    }

    /// @inheritdoc IVerifierRouter
    function freeze() external override onlyRole(DEFAULT_ADMIN_ROLE) {
        if (frozen) revert RouterFrozen();
        frozen = true;
        emit RoutesFrozen(msg.sender);
    }

    /// @inheritdoc IVerifierRouter
    function stop(
        bytes4 selector
    ) external override onlyRole(GUARDIAN_ROLE) {
        _active(selector).status = RouteStatus.Stopped;
        emit RouteStopped(selector, msg.sender);
    }

    /// @inheritdoc IVerifierRouter
    function resume(
        bytes4 selector
    ) external override onlyRole(RESUMER_ROLE) {
        Route storage route = _living(selector);
        if (route.status != RouteStatus.Stopped) revert SelectorNotStopped(selector);
        route.status = RouteStatus.Active;
        emit RouteResumed(selector, msg.sender);
    }

    /// @inheritdoc IVerifierRouter
    function stopByImpossibleProof(
        bytes4 selector,
        uint256[] calldata inputs,
        uint256[] calldata outputs,
        bytes calldata proof
    ) external override {
        Route storage route = _living(selector);
        uint256 word = outputs.length == 0 ? 0 : outputs[0];
        if (word >> MAX_WORD_BITS == 0) revert StatementNotImpossible(word);
        IModelVerifier leaf = route.verifier;
        leaf.verify(leaf.modelId(), reservedContext(selector), inputs, outputs, proof);
        _break(selector, route);
    }

    /// @inheritdoc IVerifierRouter
    function stopByContradiction(
        bytes4 selector,
        uint256[] calldata inputs,
        Evidence calldata first,
        Evidence calldata second
    ) external override {
        Route storage route = _living(selector);
        // The leaf takes one number of output words only, so packing without lengths is unambiguous for what it accepts.
        if (keccak256(abi.encodePacked(first.outputs)) == keccak256(abi.encodePacked(second.outputs))) revert NoContradiction();
        IModelVerifier leaf = route.verifier;
        bytes32 modelId = leaf.modelId();
        leaf.verify(modelId, first.context, inputs, first.outputs, first.proof);
        leaf.verify(modelId, second.context, inputs, second.outputs, second.proof);
        _break(selector, route);
    }

    /// @inheritdoc IVerifierRouter
    function verify(
        bytes4 selector,
        bytes32 modelId,
        uint256 context,
        uint256[] calldata inputs,
        uint256[] calldata outputs,
        bytes calldata proof
    ) external view override {
        _active(selector).verifier.verify(modelId, context, inputs, outputs, proof);
    }

    /// @inheritdoc IVerifierRouter
    function routeOf(
        bytes4 selector
    ) external view override returns (Route memory) {
        return _routes[selector];
    }

    /// @inheritdoc IVerifierRouter
    function selectorOf(
        IModelVerifier verifier
    ) public view override returns (bytes4) {
        return bytes4(keccak256(abi.encode(SELECTOR_TAG, verifier.vkDigest(), verifier.modelId())));
    }

    /// @inheritdoc IVerifierRouter
    function reservedContext(
        bytes4 selector
    ) public view override returns (uint256) {
        return uint256(keccak256(abi.encode(EXPLOIT_TAG, block.chainid, address(this), selector))) >> 8;
    }

    /// @inheritdoc AccessControl
    function supportsInterface(
        bytes4 interfaceId
    ) public view override returns (bool) {
        return interfaceId == type(IVerifierRouter).interfaceId || super.supportsInterface(interfaceId);
    }

    /// @dev A route that has not ended.
    function _living(
        bytes4 selector
    ) private view returns (Route storage route) {
        route = _routes[selector];
        RouteStatus status = route.status;
        if (status == RouteStatus.Unknown) revert SelectorUnknown(selector);
        if (status > RouteStatus.Stopped) _revertTombstone(selector, status);
    }

    function _active(
        bytes4 selector
    ) private view returns (Route storage route) {
        route = _living(selector);
        if (route.status == RouteStatus.Stopped) revert SelectorStopped(selector);
    }

    function _break(
        bytes4 selector,
        Route storage route
    ) private {
        route.status = RouteStatus.Broken;
        emit RouteBroken(selector, msg.sender, keccak256(msg.data));
    }

    function _revertTombstone(
        bytes4 selector,
        RouteStatus status
    ) private pure {
        if (status == RouteStatus.Broken) revert SelectorBroken(selector);
        revert SelectorRemoved(selector);
    }
}
