"""One step of EZKL in a process of its own, in a folder with model.onnx, input and calibration data of EZKL's form.

    python ezkl_step.py STEP FOLDER [SETTING=VALUE…]

Prints {"seconds": of the clock inside EZKL} and what else the step has to say.
"""

import inspect
import json
import os
import sys
import time
from pathlib import Path

import ezkl


def compile(options: dict) -> None:
    args = ezkl.PyRunArgs()
    for name in ("input_visibility", "output_visibility", "param_visibility"):
        setattr(args, name, options[name])
    demand(ezkl.gen_settings("model.onnx", "settings.json", args), "gen_settings")
    demand(ezkl.calibrate_settings("calibration.ezkl.json", "model.onnx", "settings.json", options["target"],
                                   lookup_safety_margin=2, scales=None, scale_rebase_multiplier=[1], max_logrows=None),
           "calibrate_settings")
    demand(ezkl.compile_circuit("model.onnx", "network.ezkl", "settings.json"), "compile_circuit")


def setup(options: dict) -> None:
    demand(ezkl.setup("network.ezkl", "vk.key", "pk.key", options["srs"], None, False), "setup")


def witness(options: dict) -> None:
    demand(ezkl.gen_witness("input.ezkl.json", "network.ezkl", "witness.json", "vk.key", options["srs"]), "gen_witness")


def prove(options: dict) -> None:
    demand(ezkl.prove("witness.json", "network.ezkl", "pk.key", "proof.json", options["srs"]), "prove")


def verify(options: dict) -> None:
    demand(ezkl.verify("proof.json", "settings.json", "vk.key", options["srs"], False), "verify")


async def contract(options: dict) -> None:
    """The Solidity verifier and the call data of the proof."""
    try:
        made = ezkl.create_evm_verifier("vk.key", "settings.json", "verifier.sol", "verifier.abi", options["srs"], False)
        if inspect.isawaitable(made):
            await made
    except RuntimeError as error:
        # It writes the contract, then fetches a compiler for the ABI, which nobody needs here.
        if "svm" not in str(error) or not Path("verifier.sol").exists():
            raise
    ezkl.encode_evm_calldata("proof.json", "calldata.bin", None)


def demand(answer, call: str) -> None:
    if not answer:
        raise RuntimeError(f"ezkl.{call} answered {answer!r}")


STEPS = {f.__name__: f for f in (compile, setup, witness, prove, verify, contract)}


def main() -> None:
    if len(sys.argv) < 3 or sys.argv[1] not in STEPS:
        raise SystemExit(f"{__doc__}\nSTEP: {', '.join(STEPS)}")
    options = dict(word.split("=", 1) for word in sys.argv[3:])
    os.chdir(sys.argv[2])
    began = time.perf_counter()
    running = STEPS[sys.argv[1]](options)
    if inspect.iscoroutine(running):
        import asyncio
        asyncio.run(running)
    print(json.dumps({"seconds": round(time.perf_counter() - began, 4)}))


if __name__ == "__main__":
    main()
