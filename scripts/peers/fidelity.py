"""How far outputs are from onnxruntime's."""

import json
import math
from pathlib import Path


def flatten(value) -> list[float]:
    return [x for v in value for x in flatten(v)] if isinstance(value, list) else [value]


def compare(got: list[float], model: Path) -> dict:
    """Largest absolute error, the same as a share of the largest output, and the cosine."""
    want = json.loads((model / "expected.json").read_text())["values"]
    if len(got) != len(want):
        raise ValueError(f"{len(got)} outputs, onnxruntime has {len(want)}")
    worst = max(abs(a - b) for a, b in zip(got, want))
    norms = math.hypot(*got) * math.hypot(*want)
    return {"max": worst, "relative": worst / max(map(abs, want)),
            "cosine": sum(a * b for a, b in zip(got, want)) / norms if norms else 0.0}
