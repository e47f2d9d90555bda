"""From lesson 07 on no message stops a consumer: what is no order is put aside."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from subprocess import CompletedProcess
from types import ModuleType

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from workbench.lessons import LESSONS
from workbench.player import reader_environment

Run = Callable[..., CompletedProcess]

MAX_SECONDS = 60
DEEP = b"[" * 200_000
HALF_A_CHARACTER = "\ud800"
NO_TEXT = [HALF_A_CHARACTER, None, {"a": 1}, ["A-0001"]]
NO_ORDERS = [
    b"hello",
    b"",
    b"[]",
    DEEP,
    *(json.dumps({"data": {"order_id": each, "boxes": 1, "country": "Italy"}}).encode() for each in NO_TEXT),
]
EVENT = {"id": "a/1", "type": "inventory.replenished", "subject": "a", "sequence": 1, "data": {"change": 1}}
NO_EVENTS = [
    b"hello",
    b"",
    DEEP,
    *(json.dumps({**EVENT, key: HALF_A_CHARACTER}).encode() for key in ("id", "type", "subject")),
    json.dumps({**EVENT, "sequence": 10**30}).encode(),
    json.dumps({**EVENT, "sequence": 1e400}).encode(),
    json.dumps({**EVENT, "data": {"change": 10**30}}).encode(),
]


@pytest.fixture(autouse=True)
def _own_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER", str(tmp_path / "ledger.sqlite"))


def module(folder: str, name: str) -> ModuleType:
    """A lesson's module, without its folder in the path of modules."""
    spec = spec_from_file_location(name, LESSONS / folder / f"{name}.py")
    found = module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def place(channel: BlockingChannel, queue: str, bodies: list[bytes], **properties: object) -> None:
    channel.confirm_delivery()
    for body in bodies:
        channel.basic_publish("", queue, body, pika.BasicProperties(**properties), mandatory=True)


CONSUMERS = [
    ("07_dead_letters", "lesson07.packing", NO_ORDERS, []),
    ("08_retries", "lesson08.booking", NO_ORDERS, ["--limit", str(len(NO_ORDERS))]),
    ("09_ordering", "lesson09.shared", NO_EVENTS, ["--ms", "0", "--limit", str(len(NO_EVENTS))]),
]
PUT_ASIDE = {
    "07_dead_letters": "lesson07.dead",
    "08_retries": "lesson08.parked",
    "09_ordering": "lesson09.dead",
}


@pytest.mark.parametrize(("folder", "queue", "bodies", "options"), CONSUMERS, ids=[*PUT_ASIDE])
def test_consumer_puts_aside_what_it_cannot_read(
    folder: str, queue: str, bodies: list[bytes], options: list[str], run: Run, channel: BlockingChannel
) -> None:
    module(folder, "topology").declare(channel)
    place(channel, queue, bodies)

    done = run(LESSONS / folder / "consumer.py", *options)

    assert done.returncode == 0, done.stderr[-500:]
    aside = [channel.basic_get(PUT_ASIDE[folder], auto_ack=True)[2] for _ in bodies]
    assert aside == bodies


GOOD = {
    "07_dead_letters": {"data": {"order_id": "A-0009", "country": "Italy"}},
    "08_retries": {"data": {"order_id": "A-0009"}},
    "09_ordering": {"id": "A-0009/1", "type": "trip.requested", "subject": "A-0009", "sequence": 1},
}
SOLUTIONS = [
    ("07_dead_letters", "lesson07.shipping", NO_ORDERS),
    ("08_retries", "lesson08.shipping", NO_ORDERS),
    ("09_ordering", "lesson09.trips", [*NO_EVENTS, b"[]", b"{}"]),
]


@pytest.mark.parametrize(("folder", "queue", "bodies"), SOLUTIONS, ids=[*GOOD])
def test_solution_comes_to_the_order_behind_them(
    folder: str, queue: str, bodies: list[bytes], vhost_url: str, channel: BlockingChannel
) -> None:
    if folder.startswith("09"):
        channel.queue_declare(queue, durable=True)
    else:
        module(folder, "shipping_queues").declare(channel)
    place(channel, queue, [*bodies, json.dumps(GOOD[folder]).encode()])
    command = [sys.executable, str(LESSONS / folder / "solution.py")]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=reader_environment(vhost_url), **output) as solution:
        too_long = threading.Timer(MAX_SECONDS, solution.kill)
        too_long.start()
        came = any(line.split()[-1].startswith("A-0009") for line in solution.stdout)
        too_long.cancel()
        solution.kill()
        assert came, solution.stderr.read()[-500:]


def test_forged_notes_do_not_stop_who_looks(run: Run, channel: BlockingChannel) -> None:
    module("07_dead_letters", "topology").declare(channel)
    forged = [{"replayed": "often"}, {"x-death": "yesterday"}, {"x-death": [{"count": 1}]}, {"x-death": [7]}]
    for headers in forged:
        place(channel, "lesson07.dead", [b"hello"], headers=headers)

    done = run(LESSONS / "07_dead_letters" / "peek.py")

    assert done.returncode == 0, done.stderr[-500:]
    assert len(done.stdout.splitlines()) == len(forged)


@pytest.mark.parametrize(("tries", "answer"), [("many", "park"), (-5, "levels")])
def test_forged_count_of_tries_does_not_stop_the_consumer(
    tries: object, answer: str, run: Run, channel: BlockingChannel
) -> None:
    module("08_retries", "topology").declare(channel)
    body = json.dumps({"data": {"order_id": "A-0001"}}).encode()
    place(channel, "lesson08.booking", [body], headers={"tries": tries})

    done = run(LESSONS / "08_retries" / "consumer.py", "--answer", answer, "--limit", "1")

    assert done.returncode == 0, done.stderr[-500:]


def test_what_is_moved_keeps_its_properties(run: Run, channel: BlockingChannel) -> None:
    module("08_retries", "topology").declare(channel)
    body = json.dumps({"data": {"order_id": "A-0001"}}).encode()
    place(channel, "lesson08.booking", [body], type="order.created", headers={"customer": "Alice"})

    done = run(LESSONS / "08_retries" / "consumer.py", "--answer", "park", "--limit", "1")

    assert done.returncode == 0, done.stderr[-500:]
    _method, properties, _body = channel.basic_get("lesson08.parked", auto_ack=True)
    assert properties.type == "order.created"
    assert properties.headers == {"customer": "Alice", "tries": 1}
