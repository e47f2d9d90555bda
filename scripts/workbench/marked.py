"""Processes with a mark in their environment, by which they are found wherever they have gone."""

import os
import signal
from contextlib import suppress
from pathlib import Path

MARK = "RABBIT_HOLES_BENCH"


def end_marked(token: str) -> None:
    """SIGKILL every process that has this mark in its environment: also those that left its process group.

    They are found in /proc; where there is none, only a program's process group is ended.
    """
    mark = f"{MARK}={token}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it is another user's, or has just ended
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
