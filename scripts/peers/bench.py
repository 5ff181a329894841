"""EZKL and Halocast on the same ONNX files, one after the other on one machine.

    scripts/peers/run.sh [options] [MODEL…]        (make bench-peers PEERS="…")

Writes OUT/peers.json and OUT/peers.md; each side's work and logs stay below OUT/peers/.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import ezkl_side
import halocast_side
import meter
import table

HERE = Path(__file__).resolve().parent
SOURCES = [HERE / "export.py", HERE / "requirements.txt", HERE.parent / "model" / "block.py", HERE.parent / "model" / "onnxio.py"]
# What runs on each model. "chain": proofs for a contract as well, and gas.
SIDES = {
    "mlp": ("ezkl", "halocast-layers", "halocast-all", "chain"),
    "block16": ("ezkl", "halocast-layers"),
    "block64": ("ezkl", "halocast-layers"),
    "block128": ("ezkl", "halocast-layers"),
    "gpt64": ("ezkl", "halocast-layers"),
    "gpt2block": ("halocast-layers",),
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"{', '.join(SIDES)} (default: all)")
    parser.add_argument("--memory-gib", type=positive, default=16, help="limit of a step's resident memory (default: 16)")
    parser.add_argument("--time-s", type=positive, default=3600, help="limit of a step's time on the clock (default: 3600)")
    parser.add_argument("--only", choices=("ezkl", "halocast"), help="one side only")
    parser.add_argument("--resume", action="store_true", help="keep what an earlier run with the same files and limits finished")
    for name in ("out", "cache", "halocast"):
        parser.add_argument(f"--{name}", type=Path, required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    unknown = [m for m in args.models if m not in SIDES]
    if unknown:
        parser.error(f"no model {unknown[0]!r}; there are {', '.join(SIDES)}")
    args.models = args.models or list(SIDES)
    return args


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text}: a positive number is expected")
    return value


def say(text: str) -> None:
    print(f"== {text}", file=sys.stderr, flush=True)


def digest(*paths: Path) -> str:
    sha = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            sha.update(hashlib.file_digest(file, "sha256").digest())
    return sha.hexdigest()[:16]


def exported(cache: Path, names: list) -> Path:
    """The folder with the models; made once for one state of the scripts."""
    out = cache / f"models-{digest(*SOURCES)}"
    missing = [name for name in names if not (out / name / "expected.json").exists()]
    if missing:
        say(f"exporting {', '.join(missing)}")
        subprocess.run([sys.executable, HERE / "export.py", out, *missing], check=True)
    return out


def side(name: str, args, model: Path, work: Path, limits: meter.Limits, label: str) -> dict:
    stage = name.partition("-")[2]
    tell = lambda text: say(f"{label}: {text}")
    if name == "ezkl":
        needed = limits.memory + meter.RESERVE
        if meter.available() < needed:
            free = f"{meter.available() / 2**30:.1f} GiB of memory are available, {needed / 2**30:.0f} are needed"
            return {"status": f"not run: {free} (limit and reserve; --memory-gib sets the limit)", "steps": {}}
        return ezkl_side.run(args.halocast, model, work, limits, args.cache, "chain" in SIDES[label], tell)
    return halocast_side.run(args.halocast, model, work, limits, stage, tell)


def measured(name: str, args, model: Path, limits: meter.Limits, label: str) -> dict:
    """The side's result, or the stored one of the same model, program and limits with --resume."""
    work = args.out / "peers" / label / name
    stored = work.with_name(f"{name}.json")
    program = ezkl_side.VERSION if name == "ezkl" else digest(args.halocast)
    key = [digest(model / "model.onnx"), program, limits.memory, limits.seconds]
    if args.resume and stored.exists():
        old = json.loads(stored.read_text())
        if old["key"] == key and not old["status"].startswith("not run"):
            say(f"{label}: {name} is kept from {old['date']}")
            return old
    date = now()
    load = os.getloadavg()[0]
    result = {"key": key, "date": date, "load_before": round(load, 1)} | side(name, args, model, work, limits, label)
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_text(json.dumps(result, indent=1) + "\n")
    return result


def chain(work: Path) -> dict:
    say(f"{work.name}: gas")
    run = subprocess.run([shutil.which("node") or "node", HERE / "gas.mjs", work], stdout=subprocess.PIPE, text=True)
    failed = {"failed": f"gas.mjs: exit code {run.returncode}"}
    return json.loads(run.stdout) if run.returncode == 0 else {name: failed for name in ("ezkl", "halocast-all")}


def now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def machine() -> dict:
    cpu = next((l.split(":", 1)[1].strip() for l in Path("/proc/cpuinfo").read_text().splitlines() if l.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": cpu or platform.machine(), "cores": os.cpu_count(), "memory_gib": round(memory / 2**30, 1), "kernel": platform.release()}


def commit() -> str:
    run = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return run.stdout.strip()


def main() -> None:
    args = arguments()
    limits = meter.Limits(int(args.memory_gib * 2**30), args.time_s)
    models = exported(args.cache, args.models)
    report = {"date": now(), "machine": machine(), "commit": commit(), "command": " ".join(["scripts/peers/run.sh", *shown(sys.argv[1:])]),
              "limits": {"memory_gib": args.memory_gib, "time_s": args.time_s}, "models": {}}
    for label in args.models:
        known = json.loads((models / label / "expected.json").read_text())
        entry = report["models"][label] = {"parameters": known["parameters"]}
        for name in SIDES[label]:
            if name == "chain":
                entry["gas"] = chain(args.out / "peers" / label)
            elif args.only in (None, name.partition("-")[0]):
                entry[name] = measured(name, args, models / label, limits, label)
        # After every model, so that a run that is stopped leaves what it has.
        (args.out / "peers.json").write_text(json.dumps(report, indent=1) + "\n")
        (args.out / "peers.md").write_text(table.render(report))
    print((args.out / "peers.md").read_text())


def shown(words: list) -> list:
    """The user's words, without the paths that run.sh adds."""
    hidden = {"--out", "--cache", "--halocast"}
    return [w for i, w in enumerate(words) if w not in hidden and (i == 0 or words[i - 1] not in hidden)]


if __name__ == "__main__":
    # A stopped run must not leave a prover of gigabytes behind: an exception is what ends the child.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench-peers: stopped"))
    try:
        main()
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"bench-peers: {error}")
