"""A process that outlives a command by a moment, and clears away what the command made.

It is told on its standard input what there will be, before it is made; when that input ends, however the
command ended, it clears away. So there is one way to clean up, and SIGKILL does not get round it.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import click
import pika
from pika.exceptions import AMQPError

from workbench.address import with_vhost
from workbench.amqp import open_connection
from workbench.broker import probe
from workbench.management import REMOVE_VHOSTS, Management, clear_vhosts, make_vhost
from workbench.marked import end_marked
from workbench.typed import typed

CLEARING_SECONDS = 20
SCRIPTS = Path(__file__).resolve().parents[1]
SLOW = "the broker is slow to delete what was made for this: that goes on, there is nothing to wait for"


class Guard:
    """The command's end of it: `with Guard(url) as guard: folder = guard.folder("a name")`.

    What goes wrong in clearing away is told on stderr, and is never an error.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._told: list[dict[str, str | Sequence[str]]] = []
        # Never closed: that waits for a broker, for ever if it hangs. They end with their vhosts.
        self._stays: list[pika.BlockingConnection] = []
        self.process = standing_guard()
        self._tell(url=url, later=typed(REMOVE_VHOSTS))

    def __enter__(self) -> "Guard":
        """Nothing to do: it stands guard already."""
        return self

    def __exit__(
        self, _kind: type | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Let it clear away, and wait for that, but not for ever; one that was killed is replaced."""
        if not self._clears():
            self.process = standing_guard()
            for each in self._told:
                self._send(each)
            self._clears()

    def folder(self, name: str) -> Path:
        """Make a folder of this name among the temporary ones."""
        path = Path(tempfile.gettempdir()) / name
        self._tell(folder=str(path))
        path.mkdir(mode=0o700)
        return path

    def vhost(self, name: str) -> str:
        """Make a vhost, and return its URL; raises ManagementError, or AMQPError.

        Somebody is connected to it as long as the command runs: `reset --vhosts` leaves it alone.
        """
        self._tell(vhost=name)
        make_vhost(self._url, name)
        url = with_vhost(self._url, name)
        parameters = probe.parsed(url)
        parameters.heartbeat = 0  # nobody is here to answer one
        self._stays.append(open_connection(parameters))
        return url

    def marked(self, token: str) -> None:
        """Processes with this mark will be started."""
        self._tell(token=token)

    def names(self, queues: Sequence[str], exchanges: Sequence[str]) -> None:
        """These will be declared, on a vhost that stays."""
        self._tell(queues=queues, exchanges=exchanges)

    def _tell(self, **what: str | Sequence[str]) -> None:
        self._told.append(what)
        self._send(what)

    def _send(self, what: dict[str, str | Sequence[str]]) -> None:
        with suppress(BrokenPipeError):  # somebody has killed it: another one is told in the end
            self.process.stdin.write(json.dumps(what).encode() + b"\n")

    def _clears(self) -> bool:
        """Whether it has cleared away, or is still about it."""
        self.process.stdin.close()
        try:
            return self.process.wait(CLEARING_SECONDS) == 0
        except subprocess.TimeoutExpired:
            click.echo(SLOW, err=True)
            return True


def standing_guard() -> subprocess.Popen:
    """The process itself; what is written to it is not kept back."""
    return subprocess.Popen(
        [sys.executable, "-m", "workbench.guard"],
        cwd=SCRIPTS,
        stdin=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,  # Ctrl-C and a signal to the command's process group do not reach it
    )


def main() -> None:
    """Take note of all that there will be, then clear it away.

    Processes first, they use the rest; the broker last, it may keep us waiting.
    """
    told = [json.loads(line) for line in sys.stdin]
    for token in _named("token", told):
        end_marked(token)
    for folder in _named("folder", told):
        shutil.rmtree(folder, ignore_errors=True)
    [url] = _named("url", told)
    [later] = _named("later", told)
    clear_vhosts(Management.of(url), _named("vhost", told), later)
    for each in told:
        if "queues" in each:
            clear_names(url, each["queues"], each["exchanges"])


def _named(key: str, told: list[dict[str, str]]) -> list[str]:
    return [each[key] for each in told if key in each]


def clear_names(url: str, queues: Sequence[str], exchanges: Sequence[str]) -> None:
    """Delete these where they are; where that fails, say what is left."""
    try:
        delete_names(url, queues, exchanges)
    except (AMQPError, OSError) as error:
        names = ", ".join([*queues, *exchanges])
        click.echo(f"left on the broker, which did not delete them ({error!r}): {names}", err=True)


def delete_names(url: str, queues: Sequence[str], exchanges: Sequence[str]) -> None:
    """Delete these where they are."""
    with open_connection(probe.parsed(url, CLEARING_SECONDS)) as connection:
        channel = connection.channel()
        for queue in queues:
            channel.queue_delete(queue)
        for exchange in exchanges:
            channel.exchange_delete(exchange)


if __name__ == "__main__":
    main()
