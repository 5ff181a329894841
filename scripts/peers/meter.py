"""One program run to its end or to a limit, and what it took."""

import json
import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

# Seconds between two looks at memory. A program that takes 1 GiB a second is stopped 0.1 GiB late.
LOOK_EVERY = 0.1
# The machine keeps this much for others; whoever would take it is stopped as out of memory.
RESERVE = 1 << 30
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Limits:
    """What one step may take: resident bytes of its process tree, seconds of the clock."""

    memory: int
    seconds: float


def available() -> int:
    """Bytes that programs can still take without swapping (Linux)."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    raise RuntimeError("/proc/meminfo has no MemAvailable: a Linux kernel since 3.14 is needed")


def tree(pid: int) -> list[int]:
    """A process and what descends from it now."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(c) for task in tasks for c in (task / "children").read_text().split()]
    except OSError:
        return [pid]  # ended meanwhile
    return [pid] + [p for child in children for p in tree(child)]


def resident(pid: int) -> int:
    """Resident bytes of a process tree; pages that two processes share count twice."""
    total = 0
    for member in tree(pid):
        try:
            total += int(Path(f"/proc/{member}/statm").read_text().split()[1]) * PAGE
        except (OSError, IndexError):
            continue
    return total


class Watch(threading.Thread):
    """Looks at a process group until told to stop; ends it when it takes too much."""

    def __init__(self, group: int, limits: Limits):
        super().__init__(daemon=True)
        self.group, self.limits = group, limits
        self.peak, self.reason = 0, None
        self.done = threading.Event()

    def run(self):
        end = time.monotonic() + self.limits.seconds
        while not self.done.wait(LOOK_EVERY):
            self.peak = max(self.peak, resident(self.group))
            self.reason = self.over(end)
            if self.reason:
                kill_group(self.group)
                return

    def over(self, end: float) -> str | None:
        if self.peak > self.limits.memory:
            return f"out of memory: over the limit of {self.limits.memory / 2**30:.1f} GiB"
        if time.monotonic() > end:
            return f"out of time: over the limit of {self.limits.seconds:.0f} s"
        if available() < RESERVE:
            return f"out of memory: the machine had less than {RESERVE / 2**30:.0f} GiB left"
        return None


def kill_group(group: int) -> None:
    try:
        os.killpg(group, 9)
    except ProcessLookupError:
        pass


def run(command: list, limits: Limits, log: Path, env: dict | None = None) -> dict:
    """Runs a command, its standard output parsed as JSON if it is that.

    {"status": "ok" | "out of …" | "failed: …", "cpu_s": of the process and its children, "wall_s", "peak_bytes",
    "answer": what it printed}. Standard error goes to `log`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    # A group and not a session: a session of its own would lose the priority that the caller chose (autogroups).
    with open(log, "wb") as errors, open(log.with_suffix(".out"), "wb+") as out:
        child = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
                                 process_group=0, env=env)
        watch = Watch(child.pid, limits)
        watch.start()
        try:
            _, code, usage = os.wait4(child.pid, 0)
        except BaseException:
            kill_group(child.pid)
            raise
        finally:
            watch.done.set()
        watch.join()
        child.returncode = os.waitstatus_to_exitcode(code)
        out.seek(0)
        printed = out.read()
    result = {"status": status(watch.reason, child.returncode, log), "cpu_s": round(usage.ru_utime + usage.ru_stime, 3),
              "wall_s": round(time.monotonic() - began, 3), "peak_bytes": max(watch.peak, usage.ru_maxrss << 10)}
    result["answer"] = parsed(printed.decode(errors="replace"))
    return result


def parsed(text: str):
    """All of it as JSON, or its last line (a library may have printed above), or nothing."""
    for part in (text, text.strip().rpartition("\n")[2]):
        try:
            return json.loads(part)
        except ValueError:
            pass
    return None


def status(reason: str | None, code: int, log: Path) -> str:
    if reason:
        return reason
    if code == 0:
        return "ok"
    if code == -9:
        return "out of memory, most likely: killed by the kernel"
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return f"failed: {f'exit code {code}' if code > 0 else f'signal {-code}'}: {lines[-1][:300] if lines else 'no message'}"
