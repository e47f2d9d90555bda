"""Runs a command that takes a while: its output is kept back, the seconds are shown.

Standard library only: it is used before anything is installed.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence


def say(text: str, end: str = "\n") -> None:
    """Tell the user how things stand, on stderr."""
    sys.stderr.write(text + end)
    sys.stderr.flush()


class Failed(Exception):
    """A command ended with another status than 0; `output` is all that it wrote."""

    def __init__(self, command: Sequence[str], status: int, output: str) -> None:
        super().__init__(f"`{' '.join(command)}` ended with status {status}")
        self.status = status
        self.output = output


class Clock:
    """One line on stderr that says what is being done; at a terminal the seconds go up in it."""

    def __init__(self, doing: str) -> None:
        self.doing = doing
        self.began = time.monotonic()
        self.live = sys.stderr.isatty()

    def __enter__(self) -> "Clock":  # noqa: D105
        say(self.doing, end="" if self.live else "\n")
        return self

    def __exit__(self, *_raised: object) -> None:  # noqa: D105
        if self.live:
            say("")

    def show(self) -> None:
        """Bring the line up to date."""
        if self.live:
            seconds = time.monotonic() - self.began
            say(f"\r{self.doing} {seconds:.0f} s", end="")


def run(command: Sequence[str], clock: Clock, environ: Mapping[str, str] | None = None) -> None:
    """Run `command` to its end, showing the clock; raises Failed with its output if it fails.

    Ctrl-C reaches the command as well: it is waited for before KeyboardInterrupt goes on.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environ
        ) as process:
            while not ended_within_a_second(process):
                clock.show()
        if process.returncode != 0:
            output.seek(0)
            raise Failed(command, process.returncode, output.read())


def ended_within_a_second(process: subprocess.Popen) -> bool:
    """Wait for the process, but no longer than until the clock has to be shown again."""
    try:
        process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return False
    return True
