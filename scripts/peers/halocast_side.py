"""Halocast on one model: each command a process of its own, stopped at the first that fails or takes too much."""

import json
import shutil
from pathlib import Path

import meter
from fidelity import compare, flatten


def commands(halocast: Path, model: Path, work: Path, stage: str) -> dict:
    bundle, proof = work / "bundle", work / "proof.json"
    made = {
        "compile": ["compile", model / "model.onnx", "--calibration", model / "calibration.json", "--out", bundle],
        "setup": ["setup", bundle, "--stage", stage],
        "execute": ["execute", bundle, "--input", model / "input.json"],
        "prove": ["prove", bundle, "--input", model / "input.json", "--stage", stage, "--out", proof],
        "verify": ["verify", bundle, proof],
    }
    if stage == "all":
        made["contract"] = ["verifier", bundle, "--out", work / "contract"]
    return {step: [halocast, "--json", *rest] for step, rest in made.items()}


def run(halocast: Path, model: Path, work: Path, limits: meter.Limits, stage: str, say) -> dict:
    """`stage` as the command's: "layers" stops before aggregation."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    result = {"stage": stage, "status": "ok", "steps": {}}
    for step, command in commands(halocast, model, work, stage).items():
        say(f"Halocast, {stage}: {step}")
        taken = meter.run(command, limits, work / f"{step}.log")
        answer = taken.pop("answer", None)
        result["steps"][step] = taken
        if taken["status"] != "ok":
            result["status"] = f"{step}: {taken['status']}"
            break
        if step == "execute":
            output = json.loads((model / "expected.json").read_text())["output"]
            result["error"] = compare(flatten(answer["outputs"][output]), model)
        if step == "prove":
            result["proof_bytes"] = answer["proof_bytes"]
            result["segments"] = [{k: s.get(k) for k in ("name", "k", "verify_ms", "proof_bytes")} for s in answer["segments"]]
    shutil.rmtree(work / "bundle" / "keys", ignore_errors=True)
    return result
