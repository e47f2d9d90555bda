"""The learner's program: a process that is started again whenever it ends, and leaves nothing behind."""

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

MARK = "RABBIT_HOLES_BENCH"
MAX_STARTS = 8
PAUSE_SECONDS = 0.1
KEPT_CHUNKS = 16
CHUNK_BYTES = 4096


class Program:
    """Runs `command` in `folder`; `token`, in its environment, marks all processes that come of it."""

    def __init__(self, command: Sequence[str], folder: Path, environ: Mapping[str, str], token: str) -> None:
        self.command = command
        self.folder = folder
        self.environ = {**environ, MARK: token, "PYTHONUNBUFFERED": "1"}
        self.token = token
        self.starts = 0
        self._max_starts = MAX_STARTS
        self.exit_statuses: list[int] = []
        self.gave_up = threading.Event()
        self._output: deque[bytes] = deque(maxlen=KEPT_CHUNKS)
        self._process: subprocess.Popen | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)

    def start(self, max_starts: int = MAX_STARTS) -> None:
        """Start it, and again each time that it ends, but so many times at most."""
        self._max_starts = max_starts
        self._launch()  # here, so that a command that is not there fails here
        if self._process:  # none where it was stopped before it began
            self._supervisor.start()

    def _launch(self) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            self.starts += 1
            self._process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        threading.Thread(target=self._drain, args=(self._process,), daemon=True).start()

    def _drain(self, process: subprocess.Popen) -> None:
        """Keep the last of its output, however much there is: a full pipe would stop it."""
        with process.stdout:
            while chunk := process.stdout.read1(CHUNK_BYTES):
                self._output.append(chunk)

    def _supervise(self) -> None:
        while True:
            self.exit_statuses.append(self._process.wait())
            if self._stopping.wait(PAUSE_SECONDS):
                return
            if self.starts == self._max_starts:
                self.gave_up.set()
                return
            self._launch()

    def kill(self) -> None:
        """SIGKILL to it and all that is in its process group; it is started again."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(self._process.pid, number)

    def freeze(self) -> None:
        """SIGSTOP to it and its process group: it does nothing until `thaw`, and keeps what it has."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on where it was."""
        self._signal(signal.SIGCONT)

    def last_words(self) -> str:
        """The end of what it printed."""
        return b"".join(self._output).decode(errors="replace")

    def end(self) -> None:
        """SIGKILL to it and its process group; it is not started again."""
        self._stopping.set()
        with self._lock:
            process = self._process
        if process:
            self.kill()
            process.wait()

    def stop(self) -> None:
        """The same, and an end to whatever has its mark."""
        self.end()
        end_marked(self.token)


def end_marked(token: str) -> None:
    """SIGKILL every process that has this mark in its environment: also those that left its process group.

    They are found in /proc; where there is none, only a program's process group is ended.
    """
    mark = f"{MARK}={token}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it is another user's, or has just ended
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
