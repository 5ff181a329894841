// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {CallbackStatus, IInferenceOracle, InferenceRequest, InferenceResult, RequestStatus} from "../src/IInferenceOracle.sol";
import {ModelStatus} from "../src/IModelRegistry.sol";
import {IModelVerifier} from "../src/IModelVerifier.sol";
import {InferenceOracle} from "../src/InferenceOracle.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {Fixture} from "./support/Fixture.sol";
import {MockModelVerifier} from "./support/MockModelVerifier.sol";
import {GasBurner, RecordingReceiver} from "./support/Receivers.sol";
import {Test} from "./support/Test.sol";

/// @dev Does anything anybody may do, in any order, and says beforehand how each call must end: a call that ends otherwise fails the run.
contract Handler is Test {
    InferenceOracle internal oracle;
    ModelRegistry internal registry;
    bytes32[2] internal models;
    MockModelVerifier[2] internal leaves;
    address internal guardian;
    address internal admin;
    uint256[] internal inputs;
    uint256[] internal outputs;

    address[4] public accounts;
    address[4] internal callbacks;
    RecordingReceiver internal receiver;

    /// What the books should say.
    uint256 public received;
    uint256 public paidOut;
    uint256 public finished;
    /// The request touched last.
    uint256 public touched;
    mapping(uint256 => uint256) public endings;
    mapping(uint256 => bytes32) public resultHash;

    constructor(
        InferenceOracle oracle_,
        ModelRegistry registry_,
        bytes32[2] memory models_,
        MockModelVerifier[2] memory leaves_,
        address admin_,
        address guardian_,
        uint256[] memory inputs_,
        uint256[] memory outputs_
    ) {
        (oracle, registry, models, leaves) = (oracle_, registry_, models_, leaves_);
        (admin, guardian, inputs, outputs) = (admin_, guardian_, inputs_, outputs_);
        receiver = new RecordingReceiver();
        accounts = [makeAddress("a"), makeAddress("b"), makeAddress("c"), address(receiver)];
        callbacks = [address(0), address(receiver), address(new GasBurner()), makeAddress("a")];
    }

    /// @dev Calls as `who` and demands that it succeeds (`expected` = 0) or reverts with exactly this selector.
    function call(
        address who,
        uint256 value,
        bytes memory data,
        bytes4 expected
    ) internal returns (bool success) {
        vm.prank(who);
        bytes memory reason;
        (success, reason) = address(oracle).call{value: value, gas: 2_000_000}(data); // a burner gets no more of a retry
        vm.assertTrue(success == (expected == 0), "ended other than foretold");
        if (!success) vm.assertEq(bytes32(bytes4(reason)), bytes32(expected));
    }

    function request(
        uint256 who,
        uint256 model,
        uint256 fee,
        uint256 wait,
        uint256 callback,
        uint256 callbackGas
    ) external {
        who %= 4;
        model %= 2;
        fee = bound(fee, 0, 5 ether);
        wait = bound(wait, 0, 1 days);
        callbackGas = bound(callbackGas, 0, 300_000);
        vm.deal(accounts[who], accounts[who].balance + fee);
        bytes4 expected = oracle.paused()
            ? Pausable.EnforcedPause.selector
            : registry.statusOf(models[model]) != ModelStatus.Active
                ? IInferenceOracle.ModelNotActive.selector
                : wait == 0 ? IInferenceOracle.DeadlineInPast.selector : bytes4(0);
        bytes memory data = abi.encodeCall(
            oracle.request, (models[model], inputs, uint64(block.timestamp + wait), uint32(callbackGas), callbacks[callback % 4])
        );
        if (call(accounts[who], fee, data, expected)) received += fee;
    }

    function fulfill(
        uint256 id,
        uint256 sender,
        uint256 to,
        uint256 proofTo
    ) external {
        id = bound(id, 0, oracle.requestCount() + 1);
        // Mostly honest.
        to %= 4;
        proofTo = proofTo % 4 == 0 ? (proofTo / 4) % 4 : to;
        if (id == 0 || id > oracle.requestCount()) {
            call(
                accounts[sender % 4],
                0,
                abi.encodeCall(oracle.fulfill, (id, accounts[to], outputs, "")),
                IInferenceOracle.UnknownRequest.selector
            );
            return;
        }
        InferenceRequest memory r = oracle.getRequest(id);
        MockModelVerifier leaf = r.modelId == models[0] ? leaves[0] : leaves[1];
        bytes memory proof = leaf.proofOf(oracle.contextOf(id, accounts[proofTo]), r.inputs, outputs);
        bytes4 expected = r.status == RequestStatus.Fulfilled
            ? IInferenceOracle.AlreadyFulfilled.selector
            : r.status == RequestStatus.Refunded
                ? IInferenceOracle.AlreadyRefunded.selector
                : block.timestamp > r.deadline
                    ? IInferenceOracle.DeadlinePassed.selector
                    : registry.statusOf(r.modelId) == ModelStatus.Revoked
                        ? IInferenceOracle.ModelRevoked.selector
                        : proofTo != to ? IModelVerifier.ProofRejected.selector : bytes4(0);
        uint256 owed = oracle.withdrawable(accounts[to]);
        bytes memory data = abi.encodeCall(oracle.fulfill, (id, accounts[to], outputs, proof));
        if (!call(accounts[sender % 4], 0, data, expected)) return;
        vm.assertEq(oracle.withdrawable(accounts[to]), owed + r.fee);
        ++endings[id];
        ++finished;
        touched = id;
        resultHash[id] = hashResult(id);
    }

    function refund(
        uint256 id,
        uint256 who,
        bool wait
    ) external {
        id = bound(id, 0, oracle.requestCount() + 1);
        bytes memory data = abi.encodeCall(oracle.refund, (id));
        if (id == 0 || id > oracle.requestCount()) {
            call(accounts[who % 4], 0, data, IInferenceOracle.UnknownRequest.selector);
            return;
        }
        InferenceRequest memory r = oracle.getRequest(id);
        address caller = who % 5 == 0 ? accounts[(who / 5) % 4] : r.requester;
        if (wait && block.timestamp <= r.deadline) vm.warp(uint256(r.deadline) + 1);
        bytes4 expected = caller != r.requester
            ? IInferenceOracle.NotRequester.selector
            : r.status == RequestStatus.Fulfilled
                ? IInferenceOracle.AlreadyFulfilled.selector
                : r.status == RequestStatus.Refunded
                    ? IInferenceOracle.AlreadyRefunded.selector
                    : block.timestamp <= r.deadline && registry.statusOf(r.modelId) != ModelStatus.Revoked
                        ? IInferenceOracle.DeadlineNotPassed.selector
                        : bytes4(0);
        if (call(caller, 0, data, expected)) {
            ++endings[id];
            ++finished;
            touched = id;
        }
    }

    function withdraw(
        uint256 who
    ) external {
        who %= 4;
        uint256 owed = oracle.withdrawable(accounts[who]);
        uint256 before = accounts[who].balance;
        bytes4 expected = owed == 0 ? IInferenceOracle.NothingToWithdraw.selector : bytes4(0);
        call(accounts[who], 0, abi.encodeCall(oracle.withdraw, ()), expected);
        vm.assertEq(accounts[who].balance, before + owed);
        paidOut += owed;
    }

    function withdrawTo(
        uint256 who,
        uint256 to,
        uint256 amount
    ) external {
        who %= 4;
        uint256 owed = oracle.withdrawable(accounts[who]);
        amount = bound(amount, 0, owed + 1);
        bytes4 expected = amount == 0
            ? IInferenceOracle.NothingToWithdraw.selector
            : amount > owed ? IInferenceOracle.InsufficientBalance.selector : bytes4(0);
        bytes memory data = abi.encodeCall(oracle.withdrawTo, (payable(accounts[to % 4]), amount));
        if (call(accounts[who], 0, data, expected)) paidOut += amount;
    }

    function retryCallback(
        uint256 id
    ) external {
        if (oracle.requestCount() == 0) return;
        id = bound(id, 1, oracle.requestCount());
        CallbackStatus status = oracle.getResult(id).callbackStatus;
        bytes4 expected = status != CallbackStatus.Failed ? IInferenceOracle.CallbackNotRetryable.selector : bytes4(0);
        if (call(oracle.getRequest(id).requester, 0, abi.encodeCall(oracle.retryCallback, (id)), expected)) {
            vm.assertTrue(oracle.getResult(id).callbackStatus != CallbackStatus.Failed);
        }
    }

    function breakReceiver(
        bool failing
    ) external {
        receiver.setFailing(failing);
    }

    function passTime(
        uint256 seconds_
    ) external {
        vm.warp(block.timestamp + bound(seconds_, 1, 1 hours));
        vm.roll(block.number + 1);
    }

    function pause(
        uint256 dice
    ) external {
        if (oracle.paused()) {
            vm.prank(admin);
            oracle.unpause();
        } else if (dice % 4 == 0) {
            vm.prank(guardian);
            oracle.pause();
        }
    }

    /// @dev The second model only, and seldom; the first stays active.
    function lowerStatus(
        uint256 dice
    ) external {
        if (dice % 8 != 0) return;
        ModelStatus status = registry.statusOf(models[1]);
        if (status == ModelStatus.Revoked) return;
        vm.prank(guardian);
        if (status == ModelStatus.Active) registry.deprecate(models[1]);
        else registry.revoke(models[1]);
    }

    /// @dev All of a result that must never change (the callback's status may, once).
    function hashResult(
        uint256 id
    ) public view returns (bytes32) {
        InferenceResult memory r = oracle.getResult(id);
        return keccak256(abi.encode(r.provenance, r.blockNumber, r.payee, r.verifier, r.outputs));
    }
}

contract OracleInvariantsTest is Fixture {
    Handler internal handler;

    function setUp() public override {
        super.setUp();
        bytes32 second = bytes32(uint256(2));
        MockModelVerifier leaf = new MockModelVerifier(second, 3, 3);
        vm.prank(registrar);
        registry.register(second, leaf, modelOwner, generateMetadata(T), "");
        handler = new Handler(oracle, registry, [MODEL, second], [verifier, leaf], admin, guardian, prompt(), answer());
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev In − out is what is there, and one result a request: after every call.
    function invariant_O8_money_is_conserved() public view {
        vm.assertEq(address(oracle).balance, handler.received() - handler.paidOut(), "books");
        uint256 id = handler.touched();
        if (id != 0) {
            vm.assertEq(handler.endings(id), oracle.getRequest(id).status == RequestStatus.Open ? 0 : 1, "ended more than once");
        }
    }

    /// @dev At the end of a run. Every wei is owed to exactly one: an open request or a balance. A request ended once, by a result or by a
    /// refund, and no result changed.
    function afterInvariant() public view {
        uint256 owed = 0;
        uint256 ended = 0;
        for (uint256 id = 1; id <= oracle.requestCount(); ++id) {
            InferenceRequest memory r = oracle.getRequest(id);
            bool open = r.status == RequestStatus.Open;
            if (open) owed += r.fee;
            vm.assertEq(handler.endings(id), open ? 0 : 1, "ended more than once");
            ended += handler.endings(id);
            if (r.status == RequestStatus.Fulfilled) vm.assertEq(handler.hashResult(id), handler.resultHash(id));
            else vm.assertEq(oracle.getResult(id).outputs.length, 0);
        }
        vm.assertEq(ended, handler.finished());
        for (uint256 i = 0; i < 4; ++i) {
            owed += oracle.withdrawable(handler.accounts(i));
        }
        vm.assertGe(address(oracle).balance, owed, "balance below liabilities");
        vm.assertEq(address(oracle).balance, owed, "money nobody can take");
    }
}
