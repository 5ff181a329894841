"""peers.json as the tables and verdicts of docs/benchmarks.md."""

import json
import sys

GIB = 2**30
# What the comparison charges: keys and proof. Import, calibration and the reference string are shown, not charged.
CHARGED = {"ezkl": ("setup", "witness", "prove"), "halocast": ("setup", "prove")}
ABSOLUTE = ("block64", "block128", "gpt64")
TITLES = {"ezkl": "EZKL", "halocast-layers": "Halocast, layer proofs", "halocast-all": "Halocast, aggregated"}


def sides(entry: dict) -> dict:
    return {name: entry[name] for name in TITLES if name in entry}


def charged(name: str, result: dict) -> float:
    """CPU seconds of keys and proof as far as they came."""
    steps = CHARGED[name.partition("-")[0]]
    return sum(result["steps"][s]["cpu_s"] for s in steps if s in result["steps"])


def peak(result: dict) -> int:
    return max((s["peak_bytes"] for s in result["steps"].values()), default=0)


def number(value, digits: int = 1) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def row(*cells) -> str:
    return f"| {' | '.join(str(c) for c in cells)} |"


def cell(result: dict, *steps: str) -> str:
    """CPU seconds (wall) of some steps together; a step that did not end well is marked."""
    have = [result["steps"][s] for s in steps if s in result["steps"]]
    if not have:
        return ""
    cpu, wall = (sum(s[k] for s in have) for k in ("cpu_s", "wall_s"))
    stopped = any(s["status"] != "ok" for s in have)
    return f"{'stopped at ' if stopped else ''}{number(cpu)} ({number(wall)})"


def line(label: str, name: str, result: dict) -> str:
    k = result.get("k") or ", ".join(str(s["k"]) for s in result.get("segments", []))
    error = result.get("error")
    verify = result["steps"].get("verify", {})
    return row(label, TITLES[name], k, cell(result, "compile"), cell(result, "setup"), cell(result, "witness", "prove"),
               number(peak(result) / GIB, 2), number(result.get("proof_bytes"), 0), number(verify.get("wall_s"), 2),
               "" if not error else f"{error['relative']:.1e} ({error['cosine']:.6f})")


def costs(report: dict) -> list[str]:
    head = ["model", "system", "k", "import and calibration, CPU s (wall)", "keys, CPU s (wall)", "proof, CPU s (wall)",
            "peak GiB", "proof bytes", "verify, wall s", "largest error / largest output (cosine)"]
    lines = [row(*head), row(*["---"] * len(head))]
    for label, entry in report["models"].items():
        name = f"{label}, {entry['parameters']:,} parameters"
        lines += [line(name, n, r) for n, r in sides(entry).items()]
    return lines


def failures(report: dict) -> list[str]:
    return [f"* {label}, {TITLES[n]}: {r['status']}" for label, e in report["models"].items() for n, r in sides(e).items() if r["status"] != "ok"]


def gas(report: dict) -> list[str]:
    lines = []
    for label, entry in report["models"].items():
        for name, answer in entry.get("gas", {}).items():
            title = f"{label}, {TITLES.get(name, name)}"
            if not isinstance(answer, dict) or "gas" not in answer:
                lines.append(row(title, answer if isinstance(answer, str) else answer.get("failed"), "", "", "", ""))
            else:
                figures = (f"{answer[k]:,}" for k in ("gas", "execution", "calldata_bytes", "code_bytes"))
                lines.append(row(title, answer["way"], *figures))
    head = row("verifier", "compiled, laid out", "gas of the transaction", "execution", "call data bytes", "code bytes")
    return [head, row(*["---"] * 6), *lines] if lines else []


def verdict(name: str, met: bool | None, text: str) -> str:
    return f"* {name}: **{'not judged' if met is None else 'met' if met else 'missed'}**. {text}"


def ratio(entry: dict, what) -> tuple[float, str] | None:
    """Ours to EZKL's. Where EZKL was stopped it is at most that, because more was still to come."""
    ours, theirs = entry.get("halocast-layers"), entry.get("ezkl")
    if not ours or not theirs or ours["status"] != "ok" or not what("ezkl", theirs):
        return None
    value = what("halocast", ours) / what("ezkl", theirs)
    done = theirs["status"] == "ok" or "verify" in theirs["steps"]
    return value, f"{'' if done else 'at most '}{value:.4f} (1/{1 / value:.1f}{'' if done else ' or less: EZKL did not finish'})"


def compared(entry: dict, name: str, what, share: int, limit_word: str) -> str:
    found = ratio(entry, what)
    if found is None:
        return verdict(name, None, "A side is missing.")
    return verdict(name, found[0] <= 1 / share, f"{found[1]}, target 1/{share} {limit_word}.")


def absolute(label: str, entry: dict) -> str:
    ours, theirs = entry.get("halocast-layers"), entry.get("ezkl", {})
    name = f"{label}: under 2 GiB and 60 CPU s before aggregation, where EZKL does not finish"
    if not ours or ours["status"] != "ok":
        return verdict(name, None if not ours else False, "" if not ours else ours["status"])
    cpu, memory = charged("halocast", ours), peak(ours) / GIB
    peer = f" EZKL: {theirs['status']}." if theirs else ""
    return verdict(name, cpu < 60 and memory < 2, f"{cpu:.1f} CPU s, {memory:.2f} GiB.{peer}")


def verdicts(report: dict) -> list[str]:
    models, lines = report["models"], []
    cpu, memory = charged, lambda _, result: peak(result)
    if "block16" in models:
        lines += [compared(models["block16"], "block16: keys and proof", cpu, 50, "of EZKL's CPU s"),
                  compared(models["block16"], "block16: memory", memory, 20, "of EZKL's peak")]
    if "mlp" in models:
        lines.append(compared(models["mlp"], "mlp: keys and proof", cpu, 2, "of EZKL's CPU s"))
        answers = models["mlp"].get("gas", {})
        pair = [answers.get(n, {}) for n in ("halocast-all", "ezkl")] if "failed" not in answers else [{}, {}]
        if all("gas" in a for a in pair):
            share = pair[0]["gas"] / pair[1]["gas"]
            lines.append(verdict("mlp: gas of the aggregated proof", share <= 0.5, f"{share:.3f}, target 1/2 of EZKL's."))
        else:
            lines.append(verdict("mlp: gas of the aggregated proof", None, "A side is missing."))
    return lines + [absolute(label, models[label]) for label in ABSOLUTE if label in models]


def render(report: dict) -> str:
    m, limits = report["machine"], report["limits"]
    dates = {r["date"] for e in report["models"].values() for r in sides(e).values()}
    head = (f"`{report['command']}`, {report['date']}, commit {report['commit']}: {m['cores']} cores of {m['cpu']}, {m['memory_gib']} GiB. "
            f"A step may take {limits['memory_gib']:g} GiB of resident memory and {limits['time_s']:g} s.")
    if any(d[:10] != report["date"][:10] for d in dates):
        head += f" Parts are kept from earlier runs: {', '.join(sorted(dates))}."
    blocks = [["# Peers", "", head], costs(report), failures(report), gas(report), verdicts(report)]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: table.py peers.json")
    with open(sys.argv[1]) as file:
        print(render(json.load(file)), end="")
