"""Runs another program in this terminal as if it were this one: its output, its Ctrl-C, its exit status."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run(command: Sequence[str], *, cwd: Path, environ: Mapping[str, str] | None = None) -> int:
    """Run the command to its end and return its exit status; one that Ctrl-C ended has status 0."""
    with subprocess.Popen(command, cwd=cwd, env=environ) as process:
        status = patiently(process)
    return 0 if status in (-signal.SIGINT, 128 + signal.SIGINT) else status


def patiently(process: subprocess.Popen) -> int:
    """Wait for the process; Ctrl-C reaches it as well, and how to end is its own affair."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
