"""The experiment of lesson 04 measures what its page claims, and its services behave."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from pika.adapters.blocking_connection import BlockingChannel
from workbench.player import reader_environment
from workbench.terminal import Terminal

Run = Callable[..., CompletedProcess]
Copied = Callable[[str], Path]
FOLDER = "04_topic_routing"
MAX_SECONDS = 60


def in_queue(channel: BlockingChannel, queue: str) -> list[dict]:
    bodies = []
    while (got := channel.basic_get(queue, auto_ack=True))[0]:
        bodies.append(json.loads(got[2]))
    return bodies


def sell(folder: Path, url: str, customers: str, script: str = "producer.py") -> CompletedProcess:
    return subprocess.run(
        [sys.executable, str(folder / script)],
        env=reader_environment(url),
        input=customers,
        capture_output=True,
        text=True,
        timeout=MAX_SECONDS,
        check=False,
    )


def test_experiment(copied: Copied, run: Run) -> None:
    done = run(copied(FOLDER) / "experiment.py", "--json")

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    listed, shared, topic = result["trials"]
    assert result["lesson"] == "04"
    assert [trial["broken"] for trial in (listed, shared, topic)] == [True, True, False]
    assert (listed["handled"], listed["lost"], listed["others_lost"]) == (0, 6, 0)
    assert shared["lost"] + shared["others_lost"] == shared["published"] == 6
    assert shared["lost"] >= 1
    assert shared["others_lost"] >= 1
    assert (topic["handled"], topic["lost"], topic["others_lost"]) == (6, 0, 0)
    assert all(trial["missed"] == 4 for trial in result["trials"])


def test_the_shop_takes_all_that_is_piped_to_it(
    copied: Copied, vhost_url: str, channel: BlockingChannel
) -> None:
    channel.exchange_declare("lesson04.events", exchange_type="topic", durable=True)
    channel.queue_declare("all", durable=True)
    channel.queue_bind("all", "lesson04.events", "#")

    done = sell(copied(FOLDER), vhost_url, "Alice\nMallory\nBob")

    assert done.returncode == 0, done.stderr
    events = in_queue(channel, "all")
    assert [(event["type"], event["data"]["order_id"]) for event in events] == [
        ("order.created", "A-0001"),
        ("payment.completed", "A-0001"),
        ("order.created", "A-0002"),
        ("payment.failed", "A-0002"),
        ("order.created", "A-0003"),
        ("payment.completed", "A-0003"),
    ]
    for event in events:
        assert list(event) == ["id", "type", "source", "time", "data"]
    assert len({event["id"] for event in events}) == len(events)


def test_the_list_reaches_those_on_it(copied: Copied, vhost_url: str, channel: BlockingChannel) -> None:
    done = sell(copied(FOLDER), vhost_url, "Alice\nMallory\n", script="list_producer.py")

    assert done.returncode == 0, done.stderr
    kinds = {name: [e["type"] for e in in_queue(channel, f"lesson04.{name}")] for name in SERVICES}
    assert kinds == {
        "inventory": ["order.created", "order.created"],
        "billing": ["payment.completed", "payment.failed"],
        "shipping": ["payment.completed"],
    }


SERVICES = ["inventory", "billing", "shipping"]


@pytest.mark.parametrize(
    "body", [b"hello", b"{}", b"[]", b"\xff\xfe", b'{"type": "order.created"}', b"[" * 200_000], ids=range(6)
)
def test_body_that_is_no_event(copied: Copied, run: Run, channel: BlockingChannel, body: bytes) -> None:
    channel.queue_declare("lesson04.billing", durable=True)
    channel.basic_publish("", "lesson04.billing", body)

    done = run(copied(FOLDER) / "consumer.py", "billing", "payment.*")

    assert done.returncode == 1
    assert "is not an event" in done.stderr
    assert "scripts/broker.py reset --lesson 04" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("options", ["", "--limit 5"])
def test_queue_is_deleted_under_a_service(
    copied: Copied, options: str, vhost_url: str, channel: BlockingChannel
) -> None:
    terminal = Terminal(copied(FOLDER), reader_environment(vhost_url))
    terminal.start(f"python consumer.py billing 'payment.*' {options}")
    while terminal.running and not terminal.lines:
        terminal.read()
    channel.queue_declare("lesson04.billing", durable=True)
    while not channel.queue_declare("lesson04.billing", passive=True).method.consumer_count:
        channel.connection.sleep(0.05)
    channel.queue_delete("lesson04.billing")
    while terminal.running:
        terminal.read()
    assert terminal.exit_status == 1
    assert "Error: Somebody deleted lesson04.billing" in terminal.lines[-1]


def test_ctrl_c_closes_the_shop_and_a_service(copied: Copied, vhost_url: str) -> None:
    folder = copied(FOLDER)
    for command, first in [
        ("python producer.py", "customer of A-0001: "),
        ("python list_producer.py", "customer of A-0001: "),
        ("python consumer.py billing 'payment.*'", "billing waits"),
    ]:
        terminal = Terminal(folder, reader_environment(vhost_url))
        terminal.start(command)
        while terminal.running and not (terminal.partial or " ".join(terminal.lines)).startswith(first):
            terminal.read()
        terminal.interrupt()
        while terminal.running:
            terminal.read()
        assert terminal.exit_status == 0, terminal.lines
        assert "stopped; " in terminal.lines[-1]
