"""Writes models/tinygemma from trained weights: the ONNX file and what tests compare it with.

    python ship.py [--work DIR]     (default: the weights already in models/tinygemma)
"""

import argparse
import json
import random
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_model

import corpus
import measure
from onnxio import export, write_json
from tinygemma import LENGTH, Logits, build, complete, encode

OUT = Path(__file__).parents[2] / "models" / "tinygemma"
HELD_OUT_WINDOWS = 256
PROSE_PROMPT = 16  # bytes given; the model writes the other 16


def sample(text: bytes) -> dict:
    return {"tokens": torch.tensor([encode(text)])}


def calibration(train: bytes, pairs: list) -> list[dict]:
    """Training text only: whole windows, finished lines, bare questions, short prose."""
    rng = random.Random(2)
    def at(n: int) -> bytes:
        start = rng.randrange(len(train) - LENGTH)
        return train[start:start + n]

    lines = [corpus.line(*p) for p in rng.sample(pairs, 24)]
    asked = [corpus.line(q) for q, _ in rng.sample(pairs, 8)]
    # The first four become the reference: two full windows, two padded ones.
    texts = [at(LENGTH), lines[0], at(LENGTH), asked[0]]
    texts += [at(LENGTH) for _ in range(30)] + lines[1:] + asked[1:]
    return [sample(t) for t in texts + [at(n) for n in range(1, LENGTH, 4)]]


def prompts(model, known: list, held: list, prose: bytes) -> list[dict]:
    """Questions with the right answer, prose with the true continuation, and in both
    cases what the float model says: `answer` ends at a newline or with the window."""
    rng = random.Random(3)
    rows = [(corpus.line(q), f"{a}\n", "question", "trained") for q, a in rng.sample(known, 40)]
    rows += [(corpus.line(q), f"{a}\n", "question", "held_out") for q, a in held[:64]]
    for text in measure.windows(prose, 64).tolist():
        begin, rest = bytes(text[:PROSE_PROMPT]), bytes(text[PROSE_PROMPT:])
        rows.append((begin, rest.decode(), "prose", "held_out"))
    answers = complete(model, [r[0] for r in rows])
    return [{"kind": kind, "split": split, "prompt": prompt.decode(), "expected": expected,
             "answer": answer.decode("latin-1")}
            for (prompt, expected, kind, split), answer in zip(rows, answers)]


def metrics(model, training: dict, shown: torch.Tensor) -> dict:
    (train, held_prose), (facts, sums, held) = corpus.prose(), corpus.questions()
    shipped = measure.windows(held_prose, HELD_OUT_WINDOWS)
    is_sum = dict(corpus.arithmetic())
    lines = torch.tensor([encode(corpus.line(*p)) for p in facts + sums])
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "training": training,
        "data": {
            "questions": "scripts/model/facts.txt and generated arithmetic; written for Halocast",
            "prose": "King James Version, Debian bible-kjv-text 4.38; out of copyright",
            "train_bytes_prose": len(train), "train_lines": len(facts) + len(sums),
        },
        "bits_per_byte": {
            "float_model_shipped_windows": round(measure.bits_per_byte(model, shipped), 4),
            "float_model_all_held_out": round(
                measure.bits_per_byte(model, measure.windows(held_prose)), 4),
            "baselines_shipped_windows": measure.baselines(train, shipped),
        },
        "answers": {
            "trained_facts": measure.right(model, facts),
            "trained_arithmetic": measure.right(model, sums),
            "held_out_facts_new_wording": measure.right(model, [p for p in held if p[0] not in is_sum]),
            "held_out_arithmetic": measure.right(model, [p for p in held if p[0] in is_sum]),
        },
        "largest_values": measure.largest_values(model, torch.cat([shown, shipped, lines])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=OUT, help="where train.py left its result")
    work = parser.parse_args().work
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    if work != OUT:
        for name in ("weights.safetensors", "training.json"):
            shutil.copy(work / name, OUT / name)

    model = build().eval()
    load_model(model, str(OUT / "weights.safetensors"))
    (train, held_prose), (facts, sums, held) = corpus.prose(), corpus.questions()
    samples = calibration(train, facts + sums)
    worst = export(OUT, Logits(model), "logits", samples, reference=4)
    write_json(OUT / "heldout.json", [
        {"inputs": {"tokens": [w]}}
        for w in measure.windows(held_prose, HELD_OUT_WINDOWS).tolist()])
    rows = prompts(model, facts + sums, held, held_prose)
    (OUT / "prompts.json").write_text(json.dumps(rows, indent=1) + "\n")
    shown = torch.cat([s["tokens"] for s in samples])
    report = metrics(model, json.loads((OUT / "training.json").read_text()), shown)
    (OUT / "metrics.json").write_text(json.dumps(report, indent=1) + "\n")
    print(f"onnxruntime within {worst:.1e} of PyTorch")
    print(json.dumps({k: report[k] for k in ("bits_per_byte", "answers")}, indent=1))


if __name__ == "__main__":
    main()
