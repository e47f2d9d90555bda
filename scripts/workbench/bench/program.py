"""The learner's program: a process that is started again whenever it ends, and leaves nothing behind."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from workbench.marked import MARK, end_marked

MAX_STARTS = 8
PAUSE_SECONDS = 0.1
KEPT_BYTES = 65_536
CHUNK_BYTES = 4096
# What has ended says no more, but a child that it left behind may hold its output open for ever.
LAST_WORDS_SECONDS = 0.5


class Run:
    """One run of the program, from a start to an end; times are in seconds since 1970."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.process = process
        self.began = time.time()
        self.ended: float | None = None
        self.status: int | None = None
        self._killed = False
        self._output = bytearray()
        self._drain = threading.Thread(target=self._keep_output, daemon=True)
        self._drain.start()

    def _keep_output(self) -> None:
        """Keep the last of its output, however much there is: a full pipe would stop it."""
        with self.process.stdout:
            while chunk := self.process.stdout.read1(CHUNK_BYTES):
                self._output += chunk
                del self._output[:-KEPT_BYTES]

    def wait(self) -> int:
        """Until it has ended: its exit status."""
        self.status = self.process.wait()
        self.ended = time.time()
        return self.status

    def kill(self) -> None:
        """SIGKILL to it and all that is in its process group."""
        self._killed = True
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send this to it and all that is in its process group."""
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(self.process.pid, number)

    @property
    def failed(self) -> bool:
        """Whether it has ended by itself, and not well: a SIGKILL of ours does not count."""
        killed_by_us = self._killed and self.status == -signal.SIGKILL
        return bool(self.status) and not killed_by_us

    def last_words(self) -> str:
        """The end of what it printed."""
        if self.ended:
            self._drain.join(LAST_WORDS_SECONDS)
        return bytes(self._output).decode(errors="replace")


class Program:
    """Runs `command` in `folder`; `token`, in its environment, marks all processes that come of it.

    A run that `is_excused` does not count among its starts.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environ: Mapping[str, str],
        token: str,
        is_excused: Callable[[Run], bool],
    ) -> None:
        self.command = command
        self.folder = folder
        self.environ = {**environ, MARK: token, "PYTHONUNBUFFERED": "1"}
        self.token = token
        self.runs: list[Run] = []
        self._max_starts = MAX_STARTS
        self._is_excused = is_excused
        self.exit_statuses: list[int] = []
        self.gave_up = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)

    def start(self, max_starts: int = MAX_STARTS) -> None:
        """Start it, and again each time that it ends, but so many times at most."""
        self._max_starts = max_starts
        self._launch()  # here, so that a command that is not there fails here
        if self.runs:  # none where it was stopped before it began
            self._supervisor.start()

    def _launch(self) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self.runs.append(Run(process))

    def _supervise(self) -> None:
        while True:
            run = self.runs[-1]
            self.exit_statuses.append(run.wait())
            self._max_starts += self._is_excused(run)
            if self._stopping.wait(PAUSE_SECONDS):
                return
            if len(self.runs) == self._max_starts:
                self.gave_up.set()
                return
            self._launch()

    def kill(self) -> None:
        """SIGKILL to it and all that is in its process group; it is started again."""
        self.runs[-1].kill()

    def freeze(self) -> None:
        """SIGSTOP to it and its process group: it does nothing until `thaw`, and keeps what it has."""
        self.runs[-1].signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on where it was."""
        self.runs[-1].signal(signal.SIGCONT)

    def last_words(self) -> str:
        """The end of what it printed last, in whichever run."""
        said = (run.last_words() for run in reversed(self.runs))
        return next((words for words in said if words.strip()), "")

    def end(self) -> None:
        """SIGKILL to it and its process group; it is not started again."""
        self._stopping.set()
        with self._lock:
            runs = list(self.runs)
        if runs:
            runs[-1].kill()
            runs[-1].wait()

    def stop(self) -> None:
        """The same, and an end to whatever has its mark."""
        self.end()
        end_marked(self.token)
