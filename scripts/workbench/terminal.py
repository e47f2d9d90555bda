"""A terminal in which a page's commands run: a pseudo-terminal of its own, read line by line.

Programs find a real terminal there (they may ask, and Ctrl-C is a key), one that has no colours and
cannot move its cursor, so that what they print is what a page can show.
"""

import fcntl
import os
import pty
import signal
import socket
import struct
import subprocess
import termios
from collections.abc import Mapping
from pathlib import Path

CTRL_C = b"\x03"
ENDINGS = {signal.SIGKILL: "Killed", signal.SIGTERM: "Terminated"}


class Terminal:
    """Runs one command at a time; `lines` are the complete lines shown, `partial` the unfinished one."""

    def __init__(self, folder: Path, environ: Mapping[str, str], columns: int = 80) -> None:
        self.lines: list[str] = []
        self.partial = ""
        self.running = False
        self.exit_status = 0
        self.master = -1
        self._process: subprocess.Popen | None = None
        self._folder = folder
        self._environ = {**environ, "TERM": "dumb", "NO_COLOR": "1"}
        self._environ.pop("COLUMNS", None)
        self._columns = columns
        self._pending = b""

    def start(self, command: str) -> None:
        """Run a command line with bash; it sees this terminal as its own."""
        self.master, slave = open_terminal(self._columns)
        self._process = subprocess.Popen(
            ["bash", "-c", command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=self._folder,
            env=self._environ,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(slave)
        self.running = True

    def type(self, text: str) -> None:
        """Type a line, and Enter."""
        os.write(self.master, text.encode() + b"\n")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        if os.isatty(self.master):
            os.write(self.master, CTRL_C)
        else:
            self._pending += b"^C"  # as a terminal echoes it
            os.killpg(self._process.pid, signal.SIGINT)

    def read(self) -> None:
        """Take in what the program prints, and at its end how it ended; waits until there is something."""
        try:
            data = os.read(self.master, 65536)
        except OSError:  # Linux says EIO, not end of file, when the last program has left the terminal.
            data = b""
        if not data:
            self._ended()
            return
        self._pending += data
        *lines, rest = self._pending.split(b"\n")
        self._pending = rest
        self.lines += [line.decode(errors="replace").rstrip("\r ") for line in lines]
        self.partial = rest.decode(errors="replace")

    def _ended(self) -> None:
        os.close(self.master)
        self.exit_status = self._process.wait()
        self.running = False
        if self.partial:
            self.lines.append(self.partial)
        self._pending, self.partial = b"", ""
        if self.exit_status < 0 and -self.exit_status in ENDINGS:
            # An interactive shell says how a program was ended; the pages show what it says.
            self.lines.append(ENDINGS[-self.exit_status])

    def kill(self) -> None:
        """End whatever still runs here, with all that it started."""
        if self.running:
            os.killpg(self._process.pid, signal.SIGKILL)
            while self.running:
                self.read()


def open_terminal(columns: int) -> tuple[int, int]:
    """Both ends of a pseudo-terminal, ours first; where the system has none (a bare chroot), of a socket.

    A program on a socket finds no terminal: it asks nothing, and Ctrl-C has to be a signal.
    """
    try:
        master, slave = pty.openpty()
    except OSError:
        ours, theirs = socket.socketpair()
        return ours.detach(), theirs.detach()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    return master, slave


def _take_terminal() -> None:
    # What a script starts in the background ignores Ctrl-C, and so does all that it starts.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
