"""Steps as a sequence diagram in a terminal, a line for each: letters, bars and hyphens only.

A-0001   |--publish------>|                |
A-0001   |                |--deliver------>|
A-0001   |                |<----------ack--|
A-0002   |                x  x--------ack--|     an x where it ended: it did not arrive
"""

from __future__ import annotations

import zlib

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from workbench.journey.model import Participant, Step

GUTTER = 9
MIN_PITCH = 14
MAX_PITCH = 26
COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "bright_red", "bright_cyan", "bright_magenta")


def colour_of(order: str) -> int:
    """The number of an order's colour: the same in every picture, the next order's another."""
    digits = "".join(letter for letter in order if letter.isdigit())
    return int(digits[-9:]) if digits else zlib.crc32(order.encode())


class Drawing:
    """A drawing in progress, `width` columns wide; who takes part stands above, and again when one joins.

    `expected` is how many are likely to: the columns are spaced for them.
    """

    def __init__(self, width: int, expected: int = 3) -> None:
        self._width = width
        self._participants: list[Participant] = []
        self._pitch = self._pitch_for(expected)

    def lines(self, step: Step) -> list[Text]:
        """The lines that this step adds."""
        joined = [
            one for one in (step.source, step.target) if one is not None and one not in self._participants
        ]
        self._participants += joined
        self._pitch = min(self._pitch, self._pitch_for(len(self._participants)))
        heading = self._heading() if joined else []
        return [*heading, self._styled(step, self._line(step))]

    def _pitch_for(self, columns: int) -> int:
        # Half a pitch stays free on either side, for names are centred.
        return max(MIN_PITCH, min(MAX_PITCH, (self._width - GUTTER) // max(columns, 2)))

    def _place(self, participant: Participant) -> int:
        return GUTTER + self._pitch // 2 + self._pitch * self._participants.index(participant)

    def _fits(self) -> bool:
        return GUTTER + self._pitch * len(self._participants) <= self._width

    def _styled(self, step: Step, line: str) -> Text:
        style = f"{COLOURS[colour_of(step.order) % len(COLOURS)]}" if step.order is not None else "bold"
        return Text(set_cell_size(line, self._width).rstrip(), style=style, no_wrap=True)

    # Who takes part

    def _heading(self) -> list[Text]:
        if not self._fits():
            return []
        names = [_folded(one.name, self._pitch - 2) for one in self._participants]
        height = max(map(len, names))
        rows = [[*[""] * (height - len(name)), *name] for name in names]
        drawn = [self._names([row[level] for row in rows]) for level in range(height)]
        return [Text(line.rstrip(), style="bold", no_wrap=True) for line in ["", *drawn]]

    def _names(self, row: list[str]) -> str:
        return " " * GUTTER + "".join(_centred(name, self._pitch) for name in row)

    # What they say

    def _line(self, step: Step) -> str:
        gutter = set_cell_size(step.order or "", GUTTER - 1) + " "
        if not self._fits():
            return gutter + _in_words(step)
        if step.target is None or step.target == step.source:
            return gutter + self._remark(self._place(step.source), step.remark)
        bars = self._bars()
        left, right = sorted((self._place(step.source), self._place(step.target)))
        to_right = self._place(step.source) == left
        arrow = _arrow(step, right - left - 1, to_right)
        return gutter + bars[GUTTER : left + 1] + arrow + bars[right:]

    def _remark(self, place: int, words: str) -> str:
        """What befell a program, to the right of its bar, or to the left where the right is too short."""
        bars = self._bars()
        if place + len(f"* {words}") > self._width and place - GUTTER > self._width // 2:
            free = place - 1 - cell_len(words)
            return bars[GUTTER : max(free, GUTTER)] + words[: place - 1 - GUTTER] + " *"
        return bars[GUTTER:place] + f"* {words}"

    def _bars(self) -> str:
        places = {self._place(one) for one in self._participants}
        return "".join("|" if column in places else " " for column in range(max(places) + 1))


def _arrow(step: Step, length: int, to_right: bool) -> str:
    """The line between two bars; one that did not arrive ends in an x, short of the other bar."""
    label = f"{step.label} ({step.note})" if step.note else step.label
    gap = 0 if step.passed else max(0, min(4, length - cell_len(step.label) - 4))
    room = length - gap - 3
    text = label if cell_len(label) <= room else set_cell_size(step.label, min(room, cell_len(step.label)))
    rest = "-" * (room - cell_len(text))
    head = ">" if to_right else "<"
    if not step.passed:
        head = "x"
    return f"--{text}{rest}{head}{' ' * gap}" if to_right else f"{' ' * gap}{head}{rest}{text}--"


def _in_words(step: Step) -> str:
    if step.target is None:
        return f"{step.source.name}: {step.remark}"
    lost = "" if step.passed else " (did not pass)"
    return f"{step.source.name} -> {step.target.name}: {step.label}{lost}"


def _centred(name: str, width: int) -> str:
    left = (width - cell_len(name) + 1) // 2
    return set_cell_size(" " * left + name, width)


def _folded(name: str, width: int) -> list[str]:
    """The name in lines of at most `width`, broken after a dot, hyphen or underscore where there is one."""
    lines = []
    while cell_len(name) > width:
        piece = name[:width]
        cut = max(piece.rfind(mark) for mark in "._-:/ ") + 1
        lines.append(name[: cut or width])
        name = name[cut or width :]
    return [*lines, name]
