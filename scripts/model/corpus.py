"""What TinyGemma learns from and is measured on; every split is fixed by a seed.

Questions come from facts.txt and from arithmetic, prose from the King James Bible.
A line is held out as a whole: its wording is never trained on, though the same fact
may be known under another wording.
"""

import random
import re
import shutil
import subprocess
from pathlib import Path

from tinygemma import LENGTH

HERE = Path(__file__).parent


def facts() -> list[tuple[str, str]]:
    """(question, answer) for every wording of every fact that fits the window."""
    pairs, wordings = [], []
    for line in (HERE / "facts.txt").read_text().splitlines():
        if line.startswith("["):
            wordings = [w.strip() for w in line.strip("[]").split("|")]
        elif line and not line.startswith("#"):
            entries = [e.split("=") for e in line.split(", ")]
            pairs += [(w.format(key), answer) for key, answer in entries for w in wordings]
    return pairs


def arithmetic() -> list[tuple[str, str]]:
    """Sums, differences, products and comparisons of small numbers."""
    ops = [(f"{a}+{b}?", a + b) for a in range(21) for b in range(21)]
    ops += [(f"{a}-{b}?", a - b) for a in range(21) for b in range(a + 1)]
    ops += [(f"{a}*{b}?", a * b) for a in range(13) for b in range(13)]
    ops += [(f"double {a}?", 2 * a) for a in range(51)]
    ops += [(f"after {a}?", a + 1) for a in range(100)]
    ops += [(f"is {a} even?", "no" if a % 2 else "yes") for a in range(100)]
    ops += [(f"bigger: {a} or {b}?", max(a, b)) for a in range(20) for b in range(20) if a != b]
    return [(question, str(answer)) for question, answer in ops]


def line(question: str, answer: str = "") -> bytes:
    """How a question is asked; with an answer, the whole line."""
    return f"Q:{question}A:{answer}".encode() + (b"\n" if answer else b"")


def questions(share: float = 0.06, seed: int = 1) -> tuple[list, list, list]:
    """(facts to train on, arithmetic to train on, held-out pairs of both)."""
    rng = random.Random(seed)
    groups, held = [], []
    for pairs in (facts(), arithmetic()):
        pairs = [p for p in dict(pairs).items() if len(line(*p)) <= LENGTH]
        rng.shuffle(pairs)
        cut = int(share * len(pairs))
        held += pairs[:cut]
        groups.append(pairs[cut:])
    return groups[0], groups[1], held


def prose() -> tuple[bytes, bytes]:
    """(training, held-out) text: Debian's `bible-kjv`, the last twentieth held out.

    Verse numbers and chapter headings go, one verse a line stays.
    """
    if not shutil.which("bible"):
        raise SystemExit("the prose is missing: apt-get install bible-kjv bible-kjv-text")
    raw = subprocess.run(["bible", "gen1:1-rev22:21"], capture_output=True, check=True).stdout
    body = re.sub(r"(?m)^\w[\w ]* \d+$", "", raw.decode("ascii"))
    verses = re.split(r"(?m)^\s*\d+ ", body)[1:]
    text = b"\n".join(" ".join(v.split()).encode() for v in verses)
    cut = text.index(b"\n", len(text) * 19 // 20) + 1
    return text[:cut], text[cut:]
