"""Play a page: run its commands as written, in its terminals, and tell what they showed.

A step waits for lines, never for a time: until its program has ended, where the page has no more of it,
else until as many lines have come as the page shows (or, recording, the last of them).
"""

import os
import re
import selectors
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path

from workbench.page import Step
from workbench.terminal import Terminal

STEP_SECONDS = 90
QUIET_SECONDS = 3
ENDINGS_THAT_HOLD = (0, -signal.SIGKILL)  # the page shows `Killed` for the second
# What must differ between two runs: process ids, durations, rates, numbers that are only about right (~7),
# versions, vhosts, ports, ids, dates.
VARYING = [
    (re.compile(r"\b(process|kill -9) \d+"), r"\1 <pid>"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|s|seconds)\b"), "<duration>"),
    (re.compile(r" *\b[\d,.]+/s\b"), " <rate>"),
    (re.compile(r" *~\d+(\.\d+)?"), " <about>"),
    (re.compile(r"RabbitMQ \d+\.\d+(\.\d+)?"), "RabbitMQ <version>"),
    (re.compile(r"in vhost '[^']*'"), "in vhost '<vhost>'"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:<port>"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?"), "<time>"),
]
# What varies and yet names one thing: process ids and uuids. Equal in the run, they are equal on the page.
ID = re.compile(r"(?<=\bprocess )\d+|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
PROCESS_ID_IN_COMMAND = re.compile(r"\b(kill -9 )(\d+)")
TABLE_LINE = re.compile(r"[│┃─━]")


@dataclass(frozen=True)
class Played:
    """A step, and the lines that the terminal really showed."""

    step: Step
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """A line of the page (1-based) that does not hold, and why."""

    line: int
    why: str


class PageError(Exception):
    """The page cannot be played on: a command failed, hangs, or printed too little."""

    def __init__(self, step: Step, why: str) -> None:
        super().__init__(why)
        self.difference = Difference(step.start, why)


def masked(line: str) -> str:
    """The line with what must vary between runs put in general terms."""
    for pattern, general in VARYING:
        line = pattern.sub(general, line)
    if TABLE_LINE.search(line):  # a longer number makes a wider column
        line = re.sub(r"([─━])\1+", r"\1", re.sub(r" +", " ", line))
    return line


def same(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two outputs say the same but for what must vary."""
    return [masked(line) for line in one] == [masked(line) for line in other]


@dataclass
class Player:
    """Plays the steps of one page in `folder`, whose programs get `environ`.

    `on_command(terminal, command)` and `on_line(terminal, line)` are told what happens as it happens.
    With `recording`, a step goes on until the last line it has on the page, however many come before it.
    """

    steps: Sequence[Step]
    folder: Path
    environ: dict[str, str]
    columns: int = 80
    recording: bool = False
    on_command: Callable[[int, str], None] = lambda _terminal, _command: None
    on_line: Callable[[int, str], None] = lambda _terminal, _line: None
    terminals: dict[int, Terminal] = field(default_factory=dict, init=False)
    _taken: dict[int, int] = field(default_factory=dict, init=False)
    _told: dict[int, int] = field(default_factory=dict, init=False)
    _process_ids: dict[str, str] = field(default_factory=dict, init=False)

    def play(self) -> list[Played]:
        """Every step with what it showed. Raises PageError; ends every program that it started."""
        try:
            return [self._play(index) for index in range(len(self.steps))]
        finally:
            for terminal in self.terminals.values():
                terminal.kill()

    def _play(self, index: int) -> Played:
        step = self.steps[index]
        terminal = self._terminal(step.terminal)
        if step.command is not None:
            command = PROCESS_ID_IN_COMMAND.sub(self._live_process_id, step.command)
            self.on_command(step.terminal, command)
            terminal.start(command)
        elif not terminal.running and not terminal.lines[self._taken[step.terminal] :]:
            raise PageError(step, f"the program had already ended, with status {terminal.exit_status}")
        elif step.interrupt:
            terminal.interrupt()
        closing = self._is_last_of_its_program(index)
        self._wait(step, terminal, closing)
        played = Played(step, self._take(step, terminal, closing))
        self._process_ids |= dict(_ids(played))
        if not terminal.running and terminal.exit_status not in ENDINGS_THAT_HOLD:
            last = terminal.lines[-1] if terminal.lines else "nothing"
            raise PageError(step, f"ended with status {terminal.exit_status}, saying: {last}")
        return played

    def _terminal(self, number: int) -> Terminal:
        if number not in self.terminals:
            self.terminals[number] = Terminal(self.folder, self.environ, self.columns)
            self._taken[number] = self._told[number] = 0
        return self.terminals[number]

    def _is_last_of_its_program(self, index: int) -> bool:
        """Whether the page shows no more of the program that this step runs or goes on with."""
        later = (step for step in self.steps[index + 1 :] if step.terminal == self.steps[index].terminal)
        following = next(later, None)
        return following is None or following.command is not None

    def _wait(self, step: Step, terminal: Terminal, closing: bool) -> None:
        deadline = time.monotonic() + STEP_SECONDS
        while terminal.running and (closing or not self._shown_enough(step, terminal)):
            self._answer(step, terminal)  # it may have asked while the page was at another terminal
            quiet = not self._read_ready(QUIET_SECONDS)
            if quiet and self.recording and not closing:
                return  # the page's last line does not come any more: what came is recorded
            if time.monotonic() > deadline:
                waited_for = "its end" if closing else repr(step.shown[-1])
                raise PageError(step, f"waited {STEP_SECONDS} s for {waited_for}")

    def _shown_enough(self, step: Step, terminal: Terminal) -> bool:
        lines = terminal.lines[self._taken[step.terminal] :]
        if self.recording and step.shown:
            return masked(step.shown[-1]) in map(masked, lines)
        return len(lines) >= len(step.shown)

    def _read_ready(self, seconds: float) -> bool:
        """Read from every terminal that has something to say; whether one had, within so many seconds."""
        with selectors.DefaultSelector() as selector:
            for number, terminal in self.terminals.items():
                if terminal.running:
                    selector.register(terminal.master, selectors.EVENT_READ, number)
            ready = selector.select(seconds)
        for key, _events in ready:
            self.terminals[key.data].read()
            self._tell(key.data)
        return bool(ready)

    def _tell(self, number: int) -> None:
        lines = self.terminals[number].lines
        for line in lines[self._told[number] :]:
            self.on_line(number, line)
        self._told[number] = len(lines)

    def _answer(self, step: Step, terminal: Terminal) -> None:
        """Type what the page answers, when the program has asked and waits at the end of a line."""
        asked = terminal.partial
        if not asked.endswith(": "):
            return
        for line in step.shown:
            if line.startswith(asked):
                terminal.partial = ""
                terminal.type(line.removeprefix(asked))
                return

    def _take(self, step: Step, terminal: Terminal, closing: bool) -> tuple[str, ...]:
        start = self._taken[step.terminal]
        end = len(terminal.lines)
        if not closing and self.recording and step.shown:
            lines = [masked(line) for line in terminal.lines[start:]]
            last = masked(step.shown[-1])
            end = start + lines.index(last) + 1 if last in lines else end
        elif not closing:
            end = min(end, start + len(step.shown))
        self._taken[step.terminal] = end
        return tuple(terminal.lines[start:end])

    def _live_process_id(self, match: re.Match) -> str:
        return match[1] + self._process_ids.get(match[2], match[2])


def differences(played: Sequence[Played]) -> list[Difference]:
    """Where the page and the run part, by line of the page."""
    page_ids = _page_ids(played)
    found = []
    for each in played:
        for offset, (on_page, in_run) in enumerate(zip_longest(each.step.shown, each.lines)):
            why = _why_they_part(on_page, in_run, page_ids)
            if why:
                found.append(Difference(each.step.start + offset + 1, why))
                break
    return found


def _why_they_part(on_page: str | None, in_run: str | None, page_ids: dict[str, str]) -> str:
    parted = f"page {on_page!r}, run {in_run!r}"
    if on_page is None or in_run is None or masked(on_page) != masked(in_run):
        return parted
    if on_page != _with_ids_of(on_page, in_run, page_ids):
        return f"{parted}: what has one id in the run has another one elsewhere on the page, or shares it"
    return ""


def recorded(played: Sequence[Played]) -> list[tuple[Step, Sequence[str]]]:
    """What the page is to show: the run's lines, but where only what must vary differs the page's own.

    So a page changes when something has changed, and what has an id keeps the one that the page gave it.
    """
    page_ids = _page_ids(played)
    return [(each.step, _recorded_lines(each, page_ids)) for each in played]


def _recorded_lines(played: Played, page_ids: dict[str, str]) -> list[str]:
    written = played.step.shown if same(played.step.shown, played.lines) else played.lines
    return [_with_ids_of(*lines, page_ids) for lines in zip(written, played.lines, strict=True)]


def _page_ids(played: Sequence[Played]) -> dict[str, str]:
    """By what the run calls it, what the page called each thing first: no two things the same."""
    page_ids: dict[str, str] = {}
    for each in played:
        for written, live in _ids(each):
            if written not in page_ids.values():
                page_ids.setdefault(live, written)
    return page_ids


def _ids(played: Played) -> Iterator[tuple[str, str]]:
    """The page's ids (first) in lines that the run shows too, each with the run's for the same thing."""
    written, lines = played.step.shown, played.lines
    matcher = SequenceMatcher(None, [*map(masked, written)], [*map(masked, lines)], autojunk=False)
    for on_page, in_run, length in matcher.get_matching_blocks():
        for offset in range(length):
            ids = ID.findall(written[on_page + offset]), ID.findall(lines[in_run + offset])
            yield from zip(*ids, strict=True)


def _with_ids_of(written: str, line: str, page_ids: dict[str, str]) -> str:
    """What is written, where it names something with what the page calls that: the run's line tells what."""
    live = iter(ID.findall(line))

    def page_id(_match: re.Match) -> str:
        name = next(live)
        return page_ids.get(name, name)

    return ID.sub(page_id, written)


def reader_environment(url: str) -> dict[str, str]:
    """What a reader's shell would have: this Python as `python`, and the broker in AMQP_URL."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, "AMQP_URL": url, "PYTHONDONTWRITEBYTECODE": "1"}
