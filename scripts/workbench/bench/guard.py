"""A process that outlives the bench by a moment, and clears away what the bench made.

It is told on its standard input what there will be, before it is made; when that input ends, however the
bench ended, it clears away. So there is one way to clean up, and SIGKILL does not get round it.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import pika

from workbench.bench.program import end_marked
from workbench.management import Management, ManagementError, delete_vhost

CLEARING_SECONDS = 20
SCRIPTS = Path(__file__).resolve().parents[2]


class Guard:
    """The bench's end of it: `with Guard(url) as guard: guard.folder(path)`."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workbench.bench.guard"],
            cwd=SCRIPTS,
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C and a signal to the bench's process group do not reach it
        )
        self._tell(url=url)

    def __enter__(self) -> "Guard":
        """Nothing to do: it stands guard already."""
        return self

    def __exit__(
        self, _kind: type | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Let it clear away, and wait for that."""
        self._process.stdin.close()
        self._process.wait(CLEARING_SECONDS)

    def folder(self, path: Path) -> None:
        """This folder will be made."""
        self._tell(folder=str(path))

    def vhost(self, name: str) -> None:
        """This vhost will be made."""
        self._tell(vhost=name)

    def marked(self, token: str) -> None:
        """Processes with this mark will be started."""
        self._tell(token=token)

    def names(self, queues: Sequence[str], exchanges: Sequence[str]) -> None:
        """These will be declared, on a vhost that stays."""
        self._tell(queues=queues, exchanges=exchanges)

    def _tell(self, **what: str | Sequence[str]) -> None:
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()


def main() -> None:
    """Take note of all that there will be, then clear it away: processes first, they use the rest."""
    told = [json.loads(line) for line in sys.stdin]
    for token in _named("token", told):
        end_marked(token)
    management = Management.of(_named("url", told)[0])
    for vhost in _named("vhost", told):
        clear_vhost(management, vhost)
    for each in told:
        if "queues" in each:
            delete_names(_named("url", told)[0], each["queues"], each["exchanges"])
    for folder in _named("folder", told):
        shutil.rmtree(folder, ignore_errors=True)


def _named(key: str, told: list[dict[str, str]]) -> list[str]:
    return [each[key] for each in told if key in each]


def delete_names(url: str, queues: Sequence[str], exchanges: Sequence[str]) -> None:
    """Delete these where they are."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        for queue in queues:
            channel.queue_delete(queue)
        for exchange in exchanges:
            channel.exchange_delete(exchange)


def clear_vhost(management: Management, name: str) -> None:
    """Delete it; where that fails, say which one is left."""
    try:
        delete_vhost(management, name)
    except ManagementError as error:
        host = urlsplit(management.url).hostname
        print(f"the vhost {name} is left on {host}: {error.message}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
