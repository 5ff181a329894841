"""peers.json as the tables and verdicts of docs/benchmarks.md."""

import json
import sys

GIB = 2**30
# What the comparison charges: keys and proof. Import, calibration and the reference string are shown, not charged.
CHARGED = {"ezkl": ("setup", "witness", "prove"), "halocast": ("setup", "prove")}
ABSOLUTE = ("block64", "block128", "gpt64")
# A citation, not a measurement of ours.
NANOZK = "NANOZK publishes 6.3 s, 6.9 KB and 23 ms to verify for one GPT-2 block, on another machine (Xeon, 2.4 GHz, 64 GB), its length unstated."
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


def cell(result: dict, *steps: str, digits: int = 1) -> str:
    """CPU seconds (wall) of some steps together; a step that did not end well is marked."""
    have = [result["steps"][s] for s in steps if s in result["steps"]]
    if not have:
        return ""
    cpu, wall = (sum(s[k] for s in have) for k in ("cpu_s", "wall_s"))
    stopped = any(s["status"] != "ok" for s in have)
    return f"{'stopped at ' if stopped else ''}{number(cpu, digits)} ({number(wall, digits)})"


def line(label: str, name: str, result: dict) -> str:
    k = result.get("k") or ", ".join(str(s["k"]) for s in result.get("segments", []))
    error = result.get("error")
    return row(label, TITLES[name], k, cell(result, "compile"), cell(result, "setup"), cell(result, "witness", "prove"),
               number(peak(result) / GIB, 2), number(result.get("proof_bytes"), 0), cell(result, "verify", digits=2),
               "" if not error else f"{error['relative']:.1e} ({error['cosine']:.6f})")


def costs(report: dict) -> list[str]:
    head = ["model", "system", "k", "import and calibration, CPU s (wall)", "keys, CPU s (wall)", "proof, CPU s (wall)",
            "peak GiB", "proof bytes", "verify, CPU s (wall)", "largest error / largest output (cosine)"]
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
            title = f"{label}, {TITLES[name]}"
            if "gas" not in answer:
                lines.append(row(title, answer["failed"], "", "", "", ""))
            else:
                figures = (f"{answer[k]:,}" for k in ("gas", "execution", "calldata_bytes", "code_bytes"))
                lines.append(row(title, answer["way"], *figures))
    head = row("verifier", "compiled, laid out", "gas of the transaction", "execution", "call data bytes", "code bytes")
    return [head, row(*["---"] * 6), *lines] if lines else []


def verdict(name: str, met: bool | None, text: str) -> str:
    return f"* {name}: **{'not judged' if met is None else 'met' if met else 'missed'}**. {text}"


def short(value: float) -> str:
    return f"{value:.2g} (1/{1 / value:.1f})" if value < 0.5 else f"{value:.2f}"


def out_of_memory(result: dict) -> bool:
    return ": out of memory" in result.get("status", "")


def compared(entry: dict, name: str, what, share: int, of: str) -> str:
    """Ours as a share of EZKL's. Where EZKL was stopped more was still to come, so ours is at most that."""
    ours, theirs = entry.get("halocast-layers"), entry.get("ezkl")
    target = f"target 1/{share} of EZKL's {of}"
    if not ours or not theirs or ours["status"] != "ok" or not what("ezkl", theirs):
        return verdict(name, None, f"A side is missing; {target}.")
    value = what("halocast", ours) / what("ezkl", theirs)
    if "prove" in theirs["steps"] and theirs["steps"]["prove"]["status"] == "ok":
        return verdict(name, value <= 1 / share, f"{short(value)}, {target}.")
    if ": out of" in theirs["status"]:
        return verdict(name, True if value <= 1 / share else None, f"At most {short(value)}, for EZKL was stopped; {target}.")
    return verdict(name, None, f"EZKL: {theirs['status']}; {target}.")


def absolute(label: str, entry: dict, limits: dict) -> str:
    ours, theirs = entry.get("halocast-layers"), entry.get("ezkl")
    name = f"{label}: under 2 GiB and 60 CPU s before aggregation"
    if not ours or ours["status"] != "ok":
        return verdict(name, False if ours else None, ours["status"] if ours else "Our side is missing.")
    cpu, memory = charged("halocast", ours), peak(ours) / GIB
    if not theirs:
        premise = "EZKL was not asked."
    elif theirs["status"] == "ok":
        premise = f"EZKL finishes: {charged('ezkl', theirs):,.1f} CPU s, {peak(theirs) / GIB:.2f} GiB."
    else:
        memory_said = f" does not finish in {limits['memory_gib']:g} GiB" if out_of_memory(theirs) else ""
        premise = f"EZKL{memory_said}: {theirs['status']}."
    return verdict(name, cpu < 60 and memory < 2, f"{cpu:.1f} CPU s, {memory:.2f} GiB. {premise}")


def gas_verdict(answers: dict) -> str:
    name, target = "mlp: gas of the aggregated proof", "target 1/2 of EZKL's transaction"
    pair = [answers.get(n, {}).get("gas") for n in ("halocast-all", "ezkl")]
    if not all(pair):
        return verdict(name, None, f"A side is missing; {target}.")
    share = pair[0] / pair[1]
    return verdict(name, share <= 0.5, f"{short(share)}, {target}.")


def verdicts(report: dict) -> list[str]:
    models, lines = report["models"], []
    memory = lambda _, result: peak(result)
    if "block16" in models:
        lines += [compared(models["block16"], "block16: keys and proof", charged, 50, "CPU s"),
                  compared(models["block16"], "block16: memory", memory, 20, "peak")]
    if "mlp" in models:
        lines += [compared(models["mlp"], "mlp: keys and proof", charged, 2, "CPU s"), gas_verdict(models["mlp"].get("gas", {}))]
    lines += [absolute(label, models[label], report["limits"]) for label in ABSOLUTE if label in models]
    if "gpt2block" in models:
        lines.append(f"* gpt2block: {NANOZK}")
    return lines


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
