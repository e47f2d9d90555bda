"""The experiment of lesson 06 measures what its page claims, and its tools do what they say."""

import http.client
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from pika.adapters.blocking_connection import BlockingChannel
from workbench.ports import free

Run = Callable[..., CompletedProcess]
Copied = Callable[[str], Path]
FOLDER = "06_idempotent_consumer"
WAYS = ["naive", "memory", "record-last", "record-first", "transaction", "key"]
DAY_SECONDS = 86_400
MAX_SECONDS = 60


@pytest.fixture(autouse=True)
def _books_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts keep their books where they are started."""
    monkeypatch.chdir(tmp_path)


@contextmanager
def gateway_of(folder: Path) -> Iterator[subprocess.Popen]:
    """A gateway that was just started; it is killed (SIGKILL) at the end of the block."""
    command = [sys.executable, str(folder / "gateway.py")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def gateway(copied: Copied) -> Iterator[str]:
    """The address of a gateway, whose books are `gateway.sqlite`."""
    with gateway_of(copied(FOLDER)) as process:
        yield process.stderr.readline().split()[3].rstrip(";")


@contextmanager
def somebody_else(folder: Path) -> Iterator[None]:
    """A web server at the address that a dead gateway has left."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (folder / "gateway.url").write_text(f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()


def test_gateway_starts_where_somebody_else_has_its_old_port(copied: Copied, tmp_path: Path) -> None:
    folder = copied(FOLDER)
    with somebody_else(tmp_path), gateway_of(folder) as process:
        assert process.stderr.readline().startswith("charging cards at ")


def test_somebody_else_in_the_place_of_the_gateway_is_told(copied: Copied, run: Run, tmp_path: Path) -> None:
    folder = copied(FOLDER)
    run(folder / "producer.py", "A-0001")
    with somebody_else(tmp_path):
        done = run(folder / "consumer.py", "--way", "key", "--limit", "1")
    assert done.returncode == 1
    complaint = done.stderr.splitlines()[-1]
    assert "is no gateway, or refuses the order (501)" in complaint
    assert complaint.endswith("; start it with: python gateway.py")


def charges(books: Path) -> list[str]:
    with closing(sqlite3.connect(books)) as ledger:
        return [row[0] for row in ledger.execute("SELECT order_id FROM charges ORDER BY rowid")]


def test_experiment(copied: Copied, run: Run) -> None:
    done = run(copied(FOLDER) / "experiment.py", "--json")

    assert done.returncode == 0, done.stderr
    trials = {trial["name"]: trial for trial in json.loads(done.stdout)["trials"]}
    assert list(trials) == [f"{way}, {fault}" for way in WAYS for fault in ("twice", "killed", "at once")]
    for trial in trials.values():
        harm = trial["lost"] + trial["charged_twice"]
        assert (harm > 0) == trial["broken"], trial
        assert (trial["duplicated"] > 0) == (trial["charged_twice"] > 0), trial
    charged_twice = {name for name, trial in trials.items() if trial["charged_twice"]}
    lost = {name for name, trial in trials.items() if trial["lost"]}
    assert charged_twice == {
        "naive, twice",
        *(f"{way}, {fault}" for way in WAYS[:3] for fault in ("killed", "at once")),
    }
    assert lost == {"record-first, killed"}


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:{port}"])
def test_without_a_gateway_the_event_is_kept(
    address: str, copied: Copied, run: Run, channel: BlockingChannel
) -> None:
    folder = copied(FOLDER)
    run(folder / "producer.py")
    if address:
        Path("gateway.url").write_text(address.format(port=free()[0]))
    done = run(folder / "consumer.py", "--way", "key", "--limit", "1")

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "Error: Not acknowledged: no payment gateway answers; start it with: python gateway.py"
    )
    assert channel.queue_declare("lesson06.billing", passive=True).method.message_count == 1


def test_key_is_charged_once_and_no_key_each_time(gateway: str) -> None:
    for key in ("one", "one", "other", None, None):
        assert post(gateway, '{"order_id": "A-0001", "amount_cents": 5}', key) == http.HTTPStatus.CREATED

    assert charges(Path("gateway.sqlite")) == ["A-0001"] * 4


def test_a_second_gateway_is_refused_while_the_first_answers(gateway: str, tmp_path: Path) -> None:
    with gateway_of(tmp_path / FOLDER) as second:
        said = second.stderr.readline()

        assert said == f"Error: A gateway charges cards at {gateway} already; use it, or stop it first.\n"
        assert second.wait(MAX_SECONDS) == 1
    assert Path("gateway.url").read_text() == gateway


@pytest.mark.parametrize("left", ["", "no address", "http://127.0.0.1:{port}"])
def test_address_of_a_dead_gateway_is_taken_over(left: str, copied: Copied) -> None:
    Path("gateway.url").write_text(left.format(port=free()[0]))
    with gateway_of(copied(FOLDER)) as process:
        said = process.stderr.readline()

        assert said.startswith("charging cards at http://127.0.0.1:")
        assert Path("gateway.url").read_text() == said.split()[3].rstrip(";")


@pytest.mark.parametrize("body", ["hello", "[]", "{}"])
def test_gateway_refuses_what_is_no_order(gateway: str, body: str) -> None:
    assert post(gateway, body, None) == http.HTTPStatus.BAD_REQUEST


def post(gateway: str, body: str, key: str | None) -> int:
    connection = http.client.HTTPConnection(gateway.removeprefix("http://"))
    with closing(connection):
        connection.request("POST", "/charges", body, {"Idempotency-Key": key} if key else {})
        return connection.getresponse().status


def test_prune_forgets_what_is_old_and_nothing_else(copied: Copied, run: Run) -> None:
    folder = copied(FOLDER)
    run(folder / "prune.py")
    with closing(sqlite3.connect("billing.sqlite")) as ledger, ledger:
        for days in (0, 6, 8, 30):
            at = f"unixepoch() - {days * DAY_SECONDS}"
            ledger.execute(f"INSERT INTO handled VALUES ('{days} days ago', {at})")

    done = run(folder / "prune.py", "--days", "7")

    assert done.stdout == "forgot 2 events older than 7 days, remember 2\n"
    with closing(sqlite3.connect("billing.sqlite")) as ledger:
        left = {row[0] for row in ledger.execute("SELECT event_id FROM handled")}
    assert left == {"0 days ago", "6 days ago"}


def test_statement_of_nothing(copied: Copied, run: Run) -> None:
    done = run(copied(FOLDER) / "statement.py", "nothing.sqlite")
    assert done.returncode == 1
    assert done.stderr == "Error: There is no nothing.sqlite yet: nobody has charged anything.\n"
