"""Trains TinyGemma on one CPU thread; run again after a stop and it goes on.

    python train.py --work DIR [--steps N]

Every batch mixes prose and question lines, about equal in loss weight. It depends on
the step's number only, so a resumed run sees what an unbroken one would have seen.
"""

import argparse
import json
import math
import random
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_model

import corpus
from tinygemma import LENGTH, PAD, build, complete, encode

PROSE, QUESTIONS = 48, 80  # windows a batch
PEAK_RATE = 4e-3
WARMUP = 200
# A question's own bytes are mostly unpredictable; the answer is what counts.
PROMPT_WEIGHT, ANSWER_WEIGHT = 0.3, 3.0


class Batches:
    """Training windows and their loss weights, as a function of the step."""

    def __init__(self):
        self.prose = torch.frombuffer(bytearray(corpus.prose()[0]), dtype=torch.uint8).long()
        facts, sums, self.held_out = corpus.questions()
        self.facts, self.sums = facts, sums
        tables = [self.table(facts), self.table(sums)]
        self.lines = torch.cat([t for t, _ in tables])
        self.weights = torch.cat([w for _, w in tables])

    @staticmethod
    def table(pairs: list) -> tuple[torch.Tensor, torch.Tensor]:
        """Every line and its weights; weight i is that of predicting byte i + 1."""
        lines = torch.tensor([encode(corpus.line(*p)) for p in pairs])
        starts = torch.tensor([len(corpus.line(p[0])) for p in pairs])[:, None]
        position = torch.arange(1, LENGTH)
        weights = torch.where(position < starts, PROMPT_WEIGHT, ANSWER_WEIGHT)
        weights = weights * (lines[:, 1:] != PAD)
        return lines, weights

    def at(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = torch.Generator().manual_seed(step)
        begins = torch.randint(len(self.prose) - LENGTH, (PROSE,), generator=rng)
        prose = self.prose[begins[:, None] + torch.arange(LENGTH)]
        picks = torch.randint(len(self.lines), (QUESTIONS,), generator=rng)
        return (torch.cat([prose, self.lines[picks]]),
                torch.cat([torch.ones(PROSE, LENGTH - 1), self.weights[picks]]))


def rate(step: int, steps: int) -> float:
    """Linear warm-up, then a cosine down to a fiftieth."""
    if step < WARMUP:
        return PEAK_RATE * (step + 1) / WARMUP
    done = (step - WARMUP) / max(1, steps - WARMUP)
    return PEAK_RATE * (0.02 + 0.49 * (1 + math.cos(math.pi * done)))


@torch.no_grad()
def answered(model, pairs: list) -> float:
    """Share of questions whose greedy answer is exactly right."""
    answers = complete(model, [corpus.line(q) for q, _ in pairs])
    return sum(a == w.encode() + b"\n" for a, (_, w) in zip(answers, pairs)) / len(pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="checkpoints go here")
    parser.add_argument("--steps", type=int, default=6500)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.work.mkdir(parents=True, exist_ok=True)
    checkpoint = args.work / "checkpoint.pt"

    data, model = Batches(), build()
    # Decay also pulls Gemma's norm gains (1 + w) to one: that keeps the residual stream small.
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.05)
    first, cpu_before = 0, 0.0
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        first, cpu_before = saved["step"], saved["cpu_seconds"]

    probe = random.Random(0).sample(data.facts, 200) + random.Random(0).sample(data.sums, 200)
    loss_mean = 0.0
    for step in range(first, args.steps):
        tokens, weights = data.at(step)
        for group in optimizer.param_groups:
            group["lr"] = rate(step, args.steps)
        logits = model(input_ids=tokens, use_cache=False).logits[:, :-1]
        each = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
        loss = (each * weights.flatten()).sum() / weights.sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss_mean += (loss.item() - loss_mean) / min(step - first + 1, 200)
        if (step + 1) % 500 == 0 or step + 1 == args.steps:
            cpu = cpu_before + time.process_time()
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(),
                        "step": step + 1, "cpu_seconds": cpu}, checkpoint)
            print(f"step {step + 1} loss {loss_mean:.3f} facts {answered(model, probe[:200]):.2f} "
                  f"sums {answered(model, probe[200:]):.2f} "
                  f"held out {answered(model, data.held_out):.2f} cpu {cpu:.0f} s", flush=True)

    save_model(model, str(args.work / "weights.safetensors"))
    record = {"steps": args.steps, "batch": PROSE + QUESTIONS,
              "cpu_seconds": round(cpu_before + time.process_time())}
    (args.work / "training.json").write_text(json.dumps(record))


if __name__ == "__main__":
    main()
