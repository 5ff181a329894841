// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IModelVerifier} from "./IModelVerifier.sol";

/// @notice Where a route is in its life. Active ⇄ Stopped; both → Removed or Broken, which are tombstones: nothing leaves them.
enum RouteStatus {
    Unknown,
    Active,
    Stopped,
    Removed,
    Broken
}

/// @notice One selector's entry.
struct Route {
    /// The leaf; never changes, also not when the route ends.
    IModelVerifier verifier;
    RouteStatus status;
}

/// @notice A statement and its proof, for `stopByContradiction`.
struct Evidence {
    uint256 context;
    uint256[] outputs;
    bytes proof;
}

/// @title Ways to verifiers that can be stopped, never exchanged
/// @notice A selector is derived from a leaf's key and model, so that one selector means one statement for good. Its route can be stopped
/// by the guardian, resumed by another role, ended by the admin, and ended by anybody who shows that the leaf accepts a false statement.
/// @dev The reserved impossible statement of a route is: *model M, asked in context `reservedContext(selector)`, answers output words of
/// which the first is 2^248 or more*. An output word is the sum of packed values of together at most 248 bits (IModelRegistry), each of
/// them range-checked in the circuit; so no evaluation of any model gives such a word, and no honest prover can make the proof whatever
/// it is asked. A proof that the leaf accepts is therefore a forgery: proof system, key, reference string or leaf are broken, and whoever
/// holds the forgery could have forged an answer. A contradiction (two answers of one model to one input) shows the same, because a model
/// is a function. Leaves whose outputs are not packed words must not be routed here.
interface IVerifierRouter {
    /// @notice No leaf was ever added under this selector.
    error SelectorUnknown(bytes4 selector);

    /// @notice There is a route under this selector.
    error SelectorInUse(bytes4 selector);

    /// @notice The route is stopped.
    error SelectorStopped(bytes4 selector);

    /// @notice The route is not stopped.
    error SelectorNotStopped(bytes4 selector);

    /// @notice The admin ended the route; its selector is never used again.
    error SelectorRemoved(bytes4 selector);

    /// @notice The leaf was shown to accept a false statement; its selector is never used again.
    error SelectorBroken(bytes4 selector);

    /// @notice The set of routes is final: none is added any more.
    error RouterFrozen();

    /// @notice There is no code at the leaf's address.
    error LeafHasNoCode(address verifier);

    /// @notice The zero address cannot be the admin.
    error InvalidRouterAdmin();

    /// @notice The first output word is one that a model can give (below 2^248): its proof shows nothing.
    error StatementNotImpossible(uint256 firstOutputWord);

    /// @notice Both proofs are of the same outputs: they do not contradict each other.
    error NoContradiction();

    /// @notice A route was added.
    event RouteAdded(bytes4 indexed selector, address indexed verifier, bytes32 indexed modelId, bytes32 vkDigest);

    /// @notice A route was stopped for the time being.
    event RouteStopped(bytes4 indexed selector, address indexed by);

    /// @notice A stopped route goes on.
    event RouteResumed(bytes4 indexed selector, address indexed by);

    /// @notice A route was ended by the admin.
    event RouteRemoved(bytes4 indexed selector, address indexed by);

    /// @notice A leaf was shown to accept a false statement. `evidence` is the hash of the calldata that shows it.
    event RouteBroken(bytes4 indexed selector, address indexed by, bytes32 evidence);

    /// @notice No route is added any more.
    event RoutesFrozen(address indexed by);

    /// @notice Adds a leaf under the selector of its key and model. Admin.
    function addVerifier(
        IModelVerifier verifier
    ) external returns (bytes4 selector);

    /// @notice Ends a route for good. Admin.
    function removeVerifier(
        bytes4 selector
    ) external;

    /// @notice Makes the set of routes final; stopping and ending stay possible. Admin; cannot be undone.
    function freeze() external;

    /// @notice Stops a route. Guardian.
    function stop(
        bytes4 selector
    ) external;

    /// @notice Lets a stopped route go on. Resumer.
    function resume(
        bytes4 selector
    ) external;

    /// @notice Ends a route by a proof of its reserved impossible statement. Anybody.
    /// @param selector An active or stopped route.
    /// @param inputs Any input words.
    /// @param outputs Output words, the first of them 2^248 or more (and a field element, or the leaf refuses it).
    /// @param proof A proof that the leaf accepts for (M, reservedContext(selector), inputs, outputs).
    function stopByImpossibleProof(
        bytes4 selector,
        uint256[] calldata inputs,
        uint256[] calldata outputs,
        bytes calldata proof
    ) external;

    /// @notice Ends a route by two accepted proofs of different outputs for the same inputs. Anybody.
    function stopByContradiction(
        bytes4 selector,
        uint256[] calldata inputs,
        Evidence calldata first,
        Evidence calldata second
    ) external;

    /// @notice Asks the leaf of an active route; reverts with the leaf's error, or because of the route's status.
    function verify(
        bytes4 selector,
        bytes32 modelId,
        uint256 context,
        uint256[] calldata inputs,
        uint256[] calldata outputs,
        bytes calldata proof
    ) external view;

    /// @notice A route; status Unknown (no revert) if there is none.
    function routeOf(
        bytes4 selector
    ) external view returns (Route memory);

    /// @notice The selector of a leaf: the first four bytes of keccak256(abi.encode(SELECTOR_TAG, vkDigest, modelId)).
    function selectorOf(
        IModelVerifier verifier
    ) external view returns (bytes4);

    /// @notice The context word of the reserved impossible statement:
    /// uint256(keccak256(abi.encode(EXPLOIT_TAG, chain id, this, selector))) >> 8.
    function reservedContext(
        bytes4 selector
    ) external view returns (uint256);

    /// @notice Whether the set of routes is final.
    function frozen() external view returns (bool);
}
