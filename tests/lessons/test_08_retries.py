"""Lesson 08: what waiting costs and saves, and that an order on its way to wait is not lost."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import CompletedProcess

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from workbench.broker.probe import greeting
from workbench.lessons import LESSONS
from workbench.player import reader_environment
from workbench.ports import free
from workbench.wire import Cut, CutAfter, Fault, FaultPlan, Kill, When, Wire

LESSON = LESSONS / "08_retries"
BOOKING, PARKED = "lesson08.booking", "lesson08.parked"
CLASSIC = {"x-queue-type": "classic"}
MAX_SECONDS = 60

Run = Callable[..., CompletedProcess]
Copied = Callable[[str], Path]


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no carrier at all."""
    monkeypatch.setenv("CARRIER", f"http://127.0.0.1:{free()[0]}")


def until_one_waits(channel: BlockingChannel, queue: str) -> bytes:
    """Take the next message of this queue, which comes in its time."""
    channel.queue_declare(queue, durable=True, arguments=CLASSIC)
    for _ in range(MAX_SECONDS * 20):
        method, _properties, body = channel.basic_get(queue, auto_ack=True)
        if method:
            return body
        channel.connection.sleep(0.05)
    raise AssertionError(f"nothing came to {queue}")


def test_proxy_is_not_asked_for_a_carrier_on_this_machine(
    copied: Copied, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied("08_retries")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free()[0]}")
    monkeypatch.chdir(folder)
    command = [sys.executable, "carrier.py", "--down", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as carrier:
        carrier.stderr.readline()
        run(folder / "producer.py", "--count", "1")
        done = run(folder / "consumer.py", "--calls", "1")
        carrier.kill()
    assert "booked" in done.stdout, done.stdout


def test_experiment(copied: Copied, run: Run) -> None:
    done = run(copied("08_retries") / "experiment.py", "--json")

    assert done.returncode == 0, done.stderr
    trials = json.loads(done.stdout)["trials"]
    at_once, park, fixed, levels, fixed_long, levels_long = trials
    assert [trial["broken"] for trial in trials] == [True, True, False, False, True, False]
    assert all(trial["lost"] == trial["duplicated"] == 0 for trial in trials)
    assert (at_once["calls"], at_once["waiting"]) == (1000, 10)
    assert (park["calls"], park["parked"]) == (10, 10)
    assert fixed["handled"] == levels["handled"] == 10
    assert at_once["calls"] >= 10 * max(fixed["calls"], levels["calls"])
    assert (fixed_long["calls"], fixed_long["waiting"], fixed_long["parked"]) == (60, 10, 0)
    assert (levels_long["calls"], levels_long["parked"]) == (50, 10)
    assert [trial["seconds"] is None for trial in trials] == [True, False, False, False, True, False]
    assert park["seconds"] < min(fixed["seconds"], levels["seconds"], levels_long["seconds"])


def test_a_short_wait_stands_behind_a_long_one(run: Run) -> None:
    lines = run(LESSON / "head_of_line.py").stdout.splitlines()
    assert lines[2].startswith("that of 2000 ms is back: ")
    assert lines[3].startswith("that of 200 ms is back, late: ")


def version_of(url: str) -> tuple[int, ...]:
    return tuple(map(int, greeting(pika.URLParameters(url))["version"].split(".")[:2]))


def test_only_new_brokers_wait_by_themselves(run: Run, vhost_url: str) -> None:
    waits = version_of(vhost_url) >= (4, 3)
    done = run(LESSON / "native_retry.py")
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout
        == f"this broker {'waits before it delivers again' if waits else 'delivers again at once'}\n"
    )


def test_only_old_brokers_go_on_counting_what_a_client_publishes_in_x_death(
    channel: BlockingChannel, vhost_url: str
) -> None:
    back = {"x-message-ttl": 1, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "back"}
    channel.queue_declare("back", durable=True)
    channel.queue_declare("wait", durable=True, arguments=back)
    notes = None
    for _ in range(3):
        channel.basic_publish("", "wait", b"", pika.BasicProperties(headers=notes))
        notes = next_headers(channel, "back")
    [note] = notes["x-death"]
    assert note["count"] == (3 if version_of(vhost_url) < (4, 0) else 1)


def next_headers(channel: BlockingChannel, queue: str) -> dict:
    """The headers of the next message of this queue, which comes in its time."""
    for _method, properties, _body in channel.consume(queue, auto_ack=True, inactivity_timeout=MAX_SECONDS):
        channel.cancel()
        assert properties, f"nothing came to {queue}"
        return properties.headers
    raise AssertionError(f"{queue} was deleted")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(When("publish", nth=1), Kill()),
        Fault(When("confirm", nth=1), Kill()),
        Fault(When("ack"), Kill()),
        Fault(When("publish"), Cut()),
        Fault(When("publish"), CutAfter()),
        Fault(When("ack"), Cut()),
    ],
    ids=str,
)
@pytest.mark.usefixtures("nobody")
def test_an_order_on_its_way_to_wait_is_not_lost(
    fault: Fault, channel: BlockingChannel, vhost_url: str, run: Run
) -> None:
    assert run(LESSON / "producer.py", "--count", "1").returncode == 0

    status = killed_or_cut(vhost_url, FaultPlan((fault,)), "--calls", "1")

    assert status in (-9, 1)
    assert b"A-0001" in until_one_waits(channel, BOOKING)


def killed_or_cut(url: str, plan: FaultPlan, *options: str) -> int:
    """Run the consumer behind the wire, which carries out the plan: its exit status."""
    started: list[subprocess.Popen] = []
    with Wire(url, plan, kill=lambda _name: started[0].kill()) as wire:
        environ = reader_environment(wire.address_for("consumer"))
        command = [sys.executable, str(LESSON / "consumer.py"), *options]
        with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
            started.append(process)
            _out, err = process.communicate(timeout=MAX_SECONDS)
    assert "Traceback" not in err
    return process.returncode


@pytest.mark.usefixtures("nobody")
def test_what_is_no_order_is_parked_at_once(channel: BlockingChannel, run: Run) -> None:
    channel.queue_declare(BOOKING, durable=True, arguments=CLASSIC)
    for body in (b"hello", b"[]", b"\xff"):
        channel.basic_publish("", BOOKING, body)
    done = run(LESSON / "consumer.py", "--limit", "3")
    assert done.returncode == 0, done.stderr
    assert [until_one_waits(channel, PARKED) for _ in range(3)] == [b"hello", b"[]", b"\xff"]


@pytest.fixture
def carriers(copied: Copied, tmp_path: Path) -> Iterator[list[Path]]:
    """Two folders, in each of which a carrier listens that is up."""
    folders = [copied("08_retries"), tmp_path / "another"]
    shutil.copytree(*folders)
    with ExitStack() as stack:
        for folder in folders:
            command = [sys.executable, "carrier.py", "--down", "0"]
            carrier = stack.enter_context(
                subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
            )
            stack.callback(carrier.kill)
            assert "the carrier listens" in carrier.stderr.readline()
        yield folders


def test_two_carriers_do_not_get_in_each_others_way(
    carriers: list[Path], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = {(folder / "carrier.url").read_text(encoding="utf-8") for folder in carriers}
    assert len(addresses) == 2
    for folder in carriers:
        monkeypatch.chdir(folder)
        run(folder / "producer.py", "--count", "1")
        assert run(folder / "consumer.py", "--limit", "1").stdout == "A-0001: booked\n"


@pytest.mark.usefixtures("nobody")
def test_what_was_parked_has_all_its_tries_before_it(channel: BlockingChannel, run: Run) -> None:
    run(LESSON / "producer.py", "--count", "1")
    assert run(LESSON / "consumer.py", "--limit", "1").stdout.endswith("; parked\n")

    done = run(LESSON / "replay.py")

    assert done.stdout == "order.created/A-0001 goes back\n"
    method, properties, body = channel.basic_get(BOOKING, auto_ack=True)
    assert (method.message_count, properties.headers, properties.delivery_mode) == (0, {"tries": 0}, 2)
    assert b"A-0001" in body
    assert run(LESSON / "replay.py").stdout == ""


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{closed}", "http://{broker}", "http://127.0.0.1:http", "nowhere"]
)
def test_where_no_carrier_answers_the_order_waits(
    address: str, broker_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = pika.URLParameters(broker_url)  # it listens, and speaks no HTTP
    monkeypatch.setenv("CARRIER", address.format(closed=free()[0], broker=f"{broker.host}:{broker.port}"))
    run(LESSON / "producer.py", "--count", "1")
    done = run(LESSON / "consumer.py", "--calls", "1")
    assert done.stdout.startswith("A-0001: the carrier does not answer; again in "), done.stderr


def test_without_a_carrier_the_order_waits(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(LESSON / "producer.py", "--count", "1")
    done = run(LESSON / "consumer.py", "--calls", "1")
    assert done.stdout.startswith("A-0001: no carrier is here (start it with: python carrier.py); again in ")
