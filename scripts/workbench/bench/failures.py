"""Which runs of a program failed by themselves, and what they said: not those that the bench cut off."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class CutOff:
    """From when to when a program was kept from the broker (seconds since 1970); a mere cut takes no time."""

    start: float
    end: float

    def ended(self, run: Run) -> bool:
        """Whether this cut the run off, or kept it from ever connecting."""
        return run.began <= self.start <= run.ended or self.contains(run)

    def contains(self, run: Run) -> bool:
        """Whether the whole run lies in it."""
        return self.start <= run.began and run.ended <= self.end


def cut_offs(name: str, events: Sequence[Event], wire_began: float) -> list[CutOff]:
    """When the program of that name on the wire was cut off; events count from `wire_began`."""
    connects = [event.time for event in events if event.kind == "connect" and event.program == name]
    found = []
    for event in events:
        action = event.details.get("action") if event.kind == "fault" else None
        if action in CUTTING and (event.program == name or action == "down"):
            again = next((time for time in connects if time > event.time), math.inf)
            end = again if action in LASTING else event.time
            found.append(CutOff(wire_began + event.time, wire_began + end))
    return found


def failed_by_itself(run: Run, cut_offs: Sequence[CutOff]) -> bool:
    """Whether the run failed, and not because it was killed or cut off."""
    return run.failed and not any(each.ended(run) for each in cut_offs)


def last_line(run: Run) -> str:
    """What it said last, which in most languages is the error; its exit status where it said nothing."""
    lines = run.last_words().split("\n")
    return next((_clipped(line.strip()) for line in reversed(lines) if line.strip()), f"status {run.status}")


def last_lines(words: str, folder: str) -> list[str]:
    """The end of what a program of this folder said, short enough to be read.

    Of a traceback its own frames and the error: what happened inside of packages is left out. A program from
    elsewhere has no frames in this folder: all of it is shown then.
    """
    start = max(words.rfind("Traceback (most recent call last)"), 0)
    lines = [_clipped(line) for line in words[start:].rstrip().splitlines() if not POINTER.fullmatch(line)]
    frames = [frame for line in lines if (frame := FRAME.match(line))]
    if any(frame["file"].startswith(folder) for frame in frames):
        lines = [line.replace(f"{folder}/", "") for line in _own_frames(lines, folder)]
    return _shortened(lines)


def _shortened(own: list[str]) -> list[str]:
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
