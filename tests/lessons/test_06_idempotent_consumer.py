"""The experiment of lesson 06 measures what its page claims, and its tools do what they say."""

import http.client
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
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


@pytest.fixture(autouse=True)
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Billing's books, in a place of their own."""
    monkeypatch.setenv("LEDGER", str(tmp_path / "billing.sqlite"))
    return tmp_path / "billing.sqlite"


@pytest.fixture
def gateway(copied: Copied, tmp_path: Path) -> Iterator[str]:
    """The address of a gateway, whose books are `gateway.sqlite`."""
    command = [sys.executable, str(copied(FOLDER) / "gateway.py"), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        yield process.stderr.readline().split()[3].rstrip(";")
        process.kill()


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


def test_a_second_consumer_would_spoil_the_experiment(
    copied: Copied, run: Run, channel: BlockingChannel
) -> None:
    channel.queue_declare("lesson06.billing", durable=True)
    channel.basic_consume("lesson06.billing", lambda *_delivery: None)

    done = run(copied(FOLDER) / "experiment.py", "--json")

    assert done.returncode == 1
    assert "Somebody else consumes from lesson06.billing" in done.stderr


def test_without_a_gateway_the_event_is_kept(copied: Copied, run: Run, channel: BlockingChannel) -> None:
    folder = copied(FOLDER)
    run(folder / "producer.py")
    nowhere = f"http://127.0.0.1:{free()[0]}"
    done = run(folder / "consumer.py", "--way", "key", "--gateway", nowhere, "--limit", "1")

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"Error: Not acknowledged: no payment gateway answers at {nowhere}; start it with: python gateway.py"
    )
    assert channel.queue_declare("lesson06.billing", passive=True).method.message_count == 1


def test_key_is_charged_once_and_no_key_each_time(gateway: str, tmp_path: Path) -> None:
    for key in ("one", "one", "other", None, None):
        assert post(gateway, '{"order_id": "A-0001", "amount_cents": 5}', key) == http.HTTPStatus.CREATED

    assert charges(tmp_path / "gateway.sqlite") == ["A-0001"] * 4


@pytest.mark.parametrize("body", ["hello", "[]", "{}"])
def test_gateway_refuses_what_is_no_order(gateway: str, body: str) -> None:
    assert post(gateway, body, None) == http.HTTPStatus.BAD_REQUEST


def post(gateway: str, body: str, key: str | None) -> int:
    connection = http.client.HTTPConnection(gateway.removeprefix("http://"))
    with closing(connection):
        connection.request("POST", "/charges", body, {"Idempotency-Key": key} if key else {})
        return connection.getresponse().status


def test_port_of_the_gateway_is_taken(gateway: str, copied: Copied, run: Run, tmp_path: Path) -> None:
    port = gateway.rpartition(":")[2]
    done = run(tmp_path / FOLDER / "gateway.py", "--port", port, "--file", str(tmp_path / "other.sqlite"))

    assert done.returncode == 1
    assert done.stderr == f"Error: Port {port}: Address already in use; try another, with --port 0\n"


def test_prune_forgets_what_is_old_and_nothing_else(copied: Copied, run: Run, books: Path) -> None:
    folder = copied(FOLDER)
    run(folder / "prune.py")
    with closing(sqlite3.connect(books)) as ledger, ledger:
        for days in (0, 6, 8, 30):
            at = f"unixepoch() - {days * DAY_SECONDS}"
            ledger.execute(f"INSERT INTO handled VALUES ('{days} days ago', {at})")

    done = run(folder / "prune.py", "--days", "7")

    assert done.stdout == "forgot 2 events older than 7 days, remember 2\n"
    with closing(sqlite3.connect(books)) as ledger:
        left = {row[0] for row in ledger.execute("SELECT event_id FROM handled")}
    assert left == {"0 days ago", "6 days ago"}


def test_statement_of_nothing(copied: Copied, run: Run) -> None:
    done = run(copied(FOLDER) / "statement.py", "nothing.sqlite")
    assert done.returncode == 1
    assert done.stderr == "Error: There is no nothing.sqlite yet: nobody has charged anything.\n"
