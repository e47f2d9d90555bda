"""Which runs of a program failed by themselves, and what they said: not those that the bench cut off."""

import math
import re
from collections.abc import Iterator, Sequence

from workbench.bench.program import Run
from workbench.journey.model import CUTTING
from workbench.wire import Event

# A program that is refused, or has no broker, fails until it is let in again, whatever it does.
LASTING = {"refuse", "down"}
MAX_LINES = 12
MAX_LETTERS = 200
FRAME = re.compile(r'  File "(?P<file>[^"]+)", line \d+')
POINTER = re.compile(r"[ ^~]+")
GAP = "  ..."


def failed_runs(runs: Sequence[Run], name: str, events: Sequence[Event], wire_began: float) -> list[Run]:
    """The runs of the program of that name on the wire that failed by themselves.

    `wire_began` is in seconds since 1970, where the times of the events begin.
    """
    spans = [(wire_began + start, wire_began + end) for start, end in _cut_off(name, events)]
    return [run for run in runs if run.failed and not any(_is_due_to(span, run) for span in spans)]


def _is_due_to(span: tuple[float, float], run: Run) -> bool:
    """Whether the run was cut off at the span's start, or lies in it: it never got a connection."""
    start, end = span
    return run.began <= start <= run.ended or (start <= run.began and run.ended <= end)


def _cut_off(name: str, events: Sequence[Event]) -> Iterator[tuple[float, float]]:
    """When the program was cut off, from and to, by the wire's time."""
    connects = [event.time for event in events if event.kind == "connect" and event.program == name]
    for event in events:
        action = event.details.get("action") if event.kind == "fault" else None
        if action in CUTTING and (event.program == name or action == "down"):
            again = (time for time in connects if time > event.time)
            yield event.time, next(again, math.inf) if action in LASTING else event.time


def last_line(run: Run) -> str:
    """What it said last, which in most languages is the error; its exit status where it said nothing."""
    lines = run.last_words().split("\n")
    return next((_clipped(line.strip()) for line in reversed(lines) if line.strip()), f"status {run.status}")


def last_lines(words: str, folder: str) -> list[str]:
    """The end of what a program of this folder said, short enough to be read.

    Of a traceback its own frames and the error: what happened inside of packages is left out.
    """
    start = max(words.rfind("Traceback (most recent call last)"), 0)
    lines = [_clipped(line) for line in words[start:].rstrip().splitlines() if not POINTER.fullmatch(line)]
    own = [line.replace(f"{folder}/", "") for line in _own_frames(lines, folder)]
    return own if len(own) <= MAX_LINES else [own[0], GAP, *own[2 - MAX_LINES :]]


def _own_frames(lines: Sequence[str], folder: str) -> Iterator[str]:
    foreign = False
    for line in lines:
        frame = FRAME.match(line)
        if frame and not frame["file"].startswith(folder):
            if not foreign:
                yield GAP
            foreign = True
        elif frame or not line.startswith("    "):
            foreign = False
        if not foreign:
            yield line


def _clipped(line: str) -> str:
    return line if len(line) <= MAX_LETTERS else f"{line[:MAX_LETTERS]} ..."
