"""Programs that are run behind the wire, each with an address of its own there.

They start in turn: the next one when the one before has ended, or waits for messages (the broker has granted
it a consumer, or told it that its queue is empty). One that does neither for START_SECONDS is left to
itself, and that is said.
"""

from __future__ import annotations

import os
import queue
import re
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click

from workbench.player import reader_environment
from workbench.wire import Event, Fault, FaultPlan, Kill, When, Wire

WAITS = {"consume-ok", "get-empty"}
START_SECONDS = 20.0
# How long a program may take to end after Ctrl-C.
GRACE_SECONDS = 3.0
# What has ended says no more, but a child that it left behind may hold its output open for ever.
LAST_WORDS_SECONDS = 0.5
NAMED = re.compile(r"(?P<name>[A-Za-z][\w-]*): (?P<line>.+)")


@dataclass(frozen=True)
class Command:
    """A program to run: its name in the journey, and its words as a shell would read them."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Said:
    """A line that a program printed, on stdout or stderr."""

    program: str
    line: str


@dataclass(frozen=True)
class Ended:
    """A program has ended; the status is as subprocess has it, negative where a signal ended it.

    It `failed` where it was neither killed by plan nor told to stop, and the status is not 0.
    """

    program: str
    status: int
    failed: bool
    last_line: str


@dataclass(frozen=True)
class Impatient:
    """A program neither ended nor waited for messages; the next one is started beside it."""

    program: str


class _Stop:
    """Somebody wants it to end."""


def commands_of(lines: Sequence[str]) -> list[Command]:
    """The programs of these command lines, named after their scripts, each name once: consumer, consumer-2.

    A program's name is its script's, unless the line gives it another: `billing: python consumer.py billing`.
    Raises ValueError, with a sentence, for a line that no shell could read.
    """
    commands: list[Command] = []
    for line in lines:
        named = NAMED.fullmatch(line)
        words = shell_words(named["line"] if named else line)
        name = named["name"] if named else _stem(words)
        commands.append(Command(_unique(name, {command.name for command in commands}), words))
    return commands


def shell_words(line: str) -> tuple[str, ...]:
    """The words of a command line; raises ValueError, with a sentence, where no shell could read it."""
    try:
        words = tuple(shlex.split(line))
    except ValueError as error:
        raise ValueError(f"cannot read {line!r} as a command ({error}): close its quotes") from error
    if not words:
        raise ValueError('an empty command runs nothing: name a program, such as "python producer.py"')
    return words


def _stem(words: Sequence[str]) -> str:
    paths = [Path(word) for word in words if not word.startswith("-")]
    script = next((path for path in paths[1:] if path.suffix[1:].isalpha()), Path(words[0]))
    return script.stem


def _unique(name: str, taken: set[str]) -> str:
    number = 2
    unique = name
    while unique in taken:
        unique = f"{name}-{number}"
        number += 1
    return unique


def kill_at_first_ack(program: str) -> FaultPlan:
    """The plan that kills the program just as its first ack would pass: the work is done, and unsaid."""
    return FaultPlan((Fault(When("ack", program=program), Kill()),))


def performance_of(
    lines: Sequence[str], kill: str | None, url: str, folder: Path, environ: Mapping[str, str] | None = None
) -> Performance:
    """These command lines as a performance; `kill` names the program that is killed at its first ack.

    `environ` is what the programs get beside this process's environment. Raises click.UsageError for what
    cannot be read.
    """
    try:
        commands = commands_of(lines)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    names = [command.name for command in commands]
    if kill and kill not in names:
        raise click.UsageError(f"no program is called {kill} here: there are {', '.join(names)}")
    plan = kill_at_first_ack(kill) if kill else None
    return Performance(commands, url, folder, plan, environ=environ)


class Performance:
    """Commands run in `folder` behind a wire to the broker at `url`.

    `news` is all that they do; `waiting`, `statuses` and `struck` are kept up to date meanwhile. `patience`
    is for how many seconds a program may neither end nor wait before the next one is started. `environ` is
    what programs get beside this process's environment.
    """

    def __init__(
        self,
        commands: Sequence[Command],
        url: str,
        folder: Path,
        plan: FaultPlan | None = None,
        patience: float = START_SECONDS,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.commands = commands
        self.waiting: set[str] = set()
        """Programs that have waited for messages."""
        self.statuses: dict[str, int] = {}
        """Exit statuses of those that have ended, as subprocess has them."""
        self.struck: set[str] = set()
        """Programs that the plan has killed."""
        self._folder = folder
        self._environ = {**(environ or {}), "PYTHONUNBUFFERED": "1"}
        self._news: queue.SimpleQueue[Event | Said | Ended | _Stop] = queue.SimpleQueue()
        self._wire = Wire(url, plan, observer=self._news.put, kill=self._strike_dead)
        self._processes: dict[str, subprocess.Popen] = {}
        self._threads: list[threading.Thread] = []
        self._last_lines: dict[str, str] = {}
        self._patience = patience
        self._deadline: float | None = None
        self._stopping = False
        self._to_start = deque(commands)
        self._last: str | None = None

    def stop(self) -> None:
        """Interrupt all programs as Ctrl-C would, kill what goes on then; signal handlers may call this."""
        self._news.put(_Stop())

    def news(self) -> Iterator[Event | Said | Ended | Impatient]:
        """Run to the end; yields what happens as it happens. Leaves no process behind, whatever ends it.

        Raises click.ClickException for a program that cannot be started.
        """
        try:
            with self._wire:
                try:
                    yield from self._perform()
                finally:
                    self._kill_all()
        finally:
            for thread in self._threads:
                # What a program left running elsewhere may hold its output open for ever.
                thread.join(GRACE_SECONDS)
        yield from self._rest()

    def _perform(self) -> Iterator[Event | Said | Ended | Impatient]:
        while self.others_go_on():
            if self._to_start and self._may_go_on():
                self._start(self._to_start.popleft())
            if self._time_left() == 0:
                yield from self._lose_patience()
                continue
            try:
                item = self._news.get(timeout=self._time_left())
            except queue.Empty:
                continue
            if isinstance(item, _Stop):
                self._interrupt_all()
            else:
                yield self._noted(item)

    def others_go_on(self) -> bool:
        """Whether a program still runs, or is still to be started."""
        return bool(self._to_start) or len(self.statuses) < len(self._processes)

    def _may_go_on(self) -> bool:
        """Whether the program that was started last has ended or waits."""
        return self._last in (None, *self.waiting, *self.statuses)

    def _noted(self, item: Event | Said | Ended) -> Event | Said | Ended:
        if isinstance(item, Ended):
            self.statuses[item.program] = item.status
        elif isinstance(item, Event) and item.kind in WAITS:
            self.waiting.add(item.program)
        return item

    def _time_left(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _lose_patience(self) -> Iterator[Impatient]:
        self._deadline = None
        if self._stopping:
            self._kill_all()
        elif self._to_start and not self._may_go_on():
            self.waiting.add(self._last)
            yield Impatient(self._last)

    def _start(self, command: Command) -> None:
        environ = reader_environment(self._wire.address_for(command.name)) | self._environ
        process = started(command, self._folder, environ)
        self._processes[command.name], self._last = process, command.name
        self._deadline = time.monotonic() + self._patience
        reader = threading.Thread(target=self._read, args=(command.name, process), daemon=True)
        waiter = threading.Thread(target=self._await_end, args=(command.name, process, reader), daemon=True)
        for thread in (reader, waiter):
            thread.start()
            self._threads.append(thread)

    def _read(self, name: str, process: subprocess.Popen) -> None:
        with process.stdout:
            for line in process.stdout:
                self._news.put(Said(name, line.rstrip("\r\n")))
                self._last_lines[name] = line.strip() or self._last_lines.get(name, "")

    def _await_end(self, name: str, process: subprocess.Popen, reader: threading.Thread) -> None:
        status = process.wait()
        reader.join(LAST_WORDS_SECONDS)
        failed = status != 0 and name not in self.struck and not self._stopping
        self._news.put(Ended(name, status, failed, self._last_lines.get(name, "")))

    def _interrupt_all(self) -> None:
        """Ctrl-C, and SIGKILL when that has been said before."""
        if self._stopping:
            self._kill_all()
            return
        self._stopping = True
        self._to_start.clear()
        self._deadline = time.monotonic() + GRACE_SECONDS
        self._signal_all(signal.SIGINT)

    def _kill_all(self) -> None:
        self._signal_all(signal.SIGKILL)

    def _signal_all(self, number: signal.Signals) -> None:
        for process in self._processes.values():
            signal_group(process, number)

    def _strike_dead(self, name: str) -> None:
        self.struck.add(name)
        signal_group(self._processes[name], signal.SIGKILL)

    def _rest(self) -> Iterator[Event | Said | Ended]:
        while not self._news.empty():
            item = self._news.get()
            if not isinstance(item, _Stop):
                yield self._noted(item)


def started(command: Command, folder: Path, environ: Mapping[str, str]) -> subprocess.Popen:
    """The program, running in a process group of its own; raises click.ClickException where there is none."""
    try:
        return subprocess.Popen(
            [_found(command.words[0], environ), *command.words[1:]],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise click.ClickException(
            f"cannot run {command.words[0]} ({error.strerror}): correct the command, "
            'which should look like "python producer.py"'
        ) from error


def _found(program: str, environ: Mapping[str, str]) -> str:
    """The program as the new process would find it: `python` is this Python, not the caller's."""
    return shutil.which(program, path=environ["PATH"]) or program


def signal_group(process: subprocess.Popen, number: signal.Signals) -> None:
    """Send the signal to the program and to all that it has started."""
    # Nobody is left; macOS says so with the second, as long as nobody has asked how they ended.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
