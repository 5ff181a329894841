// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IModelVerifier} from "halocast/src/IModelVerifier.sol";
import {HalocastTest, MockHarness, RealHarness} from "halocast/testing/HalocastTest.sol";
import {Capitals} from "../src/Capitals.sol";

interface Vm {
    function deal(
        address,
        uint256
    ) external;
    function prank(
        address
    ) external;
    function warp(
        uint256
    ) external;
    function expectPartialRevert(
        bytes4
    ) external;
    function expectRevert() external;
}

/// @dev The dApp's tests. They do not know which harness they run with.
abstract contract CapitalsTest is HalocastTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    Capitals internal app;
    address internal constant ALICE = address(0xA11CE);

    function setUp() public {
        setUpHalocast("../test/fixtures/tinygemma.json");
        app = new Capitals(halocast, modelId);
        vm.deal(ALICE, 1 ether);
    }

    function ask() internal returns (uint256 id) {
        vm.prank(ALICE);
        return app.ask{value: 0.1 ether}("France");
    }

    function test_O12_a_proven_answer_is_used() public {
        deliver(ask());
        require(keccak256(bytes(app.capitalOf("France"))) == keccak256("Paris"), "not Paris");
        require(halocast.withdrawable(PAYEE) == 0.1 ether, "prover not paid");
    }

    function test_O12_a_changed_answer_is_refused() public {
        uint256 id = ask();
        uint256[] memory outputs = storedOutputs();
        outputs[1] ^= 1 << 112; // one letter
        vm.expectRevert();
        this.deliverChanged(id, outputs);
        require(bytes(app.capitalOf("France")).length == 0, "believed a lie");
    }

    function deliverChanged(
        uint256 id,
        uint256[] calldata outputs
    ) external {
        deliver(id, outputs);
    }

    function test_O12_nobody_but_the_oracle_brings_answers() public {
        uint256 id = ask();
        uint256[] memory outputs = storedOutputs();
        vm.expectPartialRevert(bytes4(keccak256("NotOracle(address)")));
        app.onInferenceResult(id, modelId, outputs);
    }

    function test_O12_an_unanswered_fee_comes_back() public {
        uint256 id = ask();
        vm.warp(block.timestamp + 1 days + 1);
        vm.prank(ALICE);
        app.reclaim(id);
        require(ALICE.balance == 1 ether, "fee lost");
    }
}

contract CapitalsMockTest is CapitalsTest, MockHarness {}

contract CapitalsRealTest is CapitalsTest, RealHarness {}
