"""EZKL on one model: each step a process of its own, stopped at the first that fails or takes too much."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import meter
from fidelity import compare
from strings import unseal

VERSION = "23.0.5"
STEPS = ("compile", "setup", "witness", "prove", "verify")
# The same statement as Halocast's: input and output public, weights fixed by the verifying key. The calibration is the one
# that takes the least.
OPTIONS = {"input_visibility": "public", "output_visibility": "public", "param_visibility": "fixed", "target": "resources"}
FILES = ("model.onnx", "input.ezkl.json", "calibration.ezkl.json")


def run(halocast: Path, model: Path, work: Path, limits: meter.Limits, cache: Path, contract: bool, say) -> dict:
    """`model` is a folder of export.py, `cache` keeps reference strings, which `halocast` makes."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for name in FILES:
        shutil.copy(model / name, work)
    result = {"version": VERSION, "options": OPTIONS, "status": "ok", "steps": {}}
    options = dict(OPTIONS)
    for step in STEPS + (("contract",) if contract else ()):
        say(f"EZKL, {step}")
        command = [sys.executable, Path(__file__).with_name("ezkl_step.py"), step, work]
        taken = meter.run(command + [f"{k}={v}" for k, v in options.items()], limits, work / f"{step}.log")
        result["steps"][step] = taken
        if taken["status"] != "ok":
            result["status"] = f"{step}: {taken['status']}"
            break
        if step == "compile":
            result["k"] = json.loads((work / "settings.json").read_text())["run_args"]["logrows"]
            options["srs"] = reference_string(halocast, cache, result["k"])
    measure(result, model, work)
    # Keys of gigabytes, of no use to anybody.
    for name in ("pk.key", "vk.key"):
        (work / name).unlink(missing_ok=True)
    return result


def reference_string(halocast: Path, cache: Path, k: int) -> Path:
    """The development string that Halocast uses, of 2^k points, as EZKL reads it. Made once, charged to nobody."""
    path = cache / f"ezkl-k{k}.srs"
    if not path.exists():
        made = subprocess.run([halocast, "--json", "srs", "new", "--k", str(k)], stdout=subprocess.PIPE, check=True)
        unseal(Path(json.loads(made.stdout)["path"]), path)
    return path


def measure(result: dict, model: Path, work: Path) -> None:
    """Adds size and error of what was made."""
    if (work / "proof.json").exists():
        proof = json.loads((work / "proof.json").read_text())
        result["proof_bytes"] = len(proof["hex_proof"].removeprefix("0x")) // 2
        result["public_words"] = sum(len(column) for column in proof["instances"])
    if (work / "witness.json").exists():
        outputs = json.loads((work / "witness.json").read_text())["pretty_elements"]["rescaled_outputs"]
        result["error"] = compare([float(x) for output in outputs for x in output], model)
