"""The experiment of lesson 03 measures what its page claims."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from pika.adapters.blocking_connection import BlockingChannel
from project_copy import Project, copy_project
from workbench import ports
from workbench.broker import compose, native
from workbench.lessons import LESSONS
from workbench.player import reader_environment
from workbench.terminal import Terminal

Run = Callable[..., CompletedProcess]
Copied = Callable[[str], Path]


def assert_only_the_hopeful_loses(done: CompletedProcess, faults: list[str]) -> None:
    assert done.returncode == 0, done.stderr
    trials = json.loads(done.stdout)["trials"]
    names = [f"{fault}, {producer}" for fault in faults for producer in ("hopeful", "careful")]
    assert [trial["name"] for trial in trials] == names
    for trial in trials:
        assert trial["broken"] == trial["name"].endswith("hopeful")
        assert (trial["lost"] > 0) == trial["broken"], trial
        assert trial["duplicated"] == trial["out_of_order"] == 0, trial


def test_experiment(copied: Copied, run: Run) -> None:
    done = run(copied("03_publisher_confirms") / "experiment.py", "--json")
    assert_only_the_hopeful_loses(done, ["wrong key", "no exchange", "network fails"])


def test_a_lost_answer_makes_a_duplicate(copied: Copied, run: Run) -> None:
    folder = copied("03_publisher_confirms")
    producer = ["python", str(folder / "producer.py")]
    done = run(folder / "relay.py", "--after", "1", "--lose", "answers", *producer)
    packed = run(folder / "consumer.py").stdout.split()

    assert done.returncode == 0, done.stderr
    assert packed.count("A-0002") == 2
    assert {"A-0001", "A-0002", "A-0003"} < set(packed)


def test_relay_passes_on_the_exit_status(copied: Copied, run: Run) -> None:
    relay = copied("03_publisher_confirms") / "relay.py"
    assert run(relay, "python", "-c", "raise SystemExit(7)").returncode == 7

    missing = run(relay, "no-such-program")
    assert missing.returncode == 1
    assert "There is no program no-such-program" in missing.stderr


def test_stopped_producer_does_not_claim_to_know(copied: Copied) -> None:
    folder = copied("03_publisher_confirms")
    terminal = Terminal(folder, reader_environment(f"amqp://127.0.0.1:{ports.free(1)[0]}/"))
    terminal.start("python producer.py --count 2")
    while terminal.running and not terminal.lines:
        terminal.read()
    terminal.interrupt()
    while terminal.running:
        terminal.read()
    assert terminal.exit_status == 0
    assert (
        terminal.lines[-1] == "^Cstopped; 2 orders are not confirmed: the broker may have the first of them"
    )


def test_refused_order_is_not_called_not_placed(run: Run, channel: BlockingChannel) -> None:
    """One queue is full, the other has it."""
    channel.exchange_declare("lesson03.orders", exchange_type="direct", durable=True)
    full = {"x-queue-type": "classic", "x-max-length": 0, "x-overflow": "reject-publish"}
    channel.queue_declare("full", durable=True, arguments=full)
    channel.queue_bind("full", "lesson03.orders", "order.created")
    done = run(LESSONS / "03_publisher_confirms" / "producer.py", "--count", "1")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: A-0001 is not confirmed: a queue is full")


def test_relay_says_what_it_cannot_run(copied: Copied, run: Run, tmp_path: Path) -> None:
    done = run(copied("03_publisher_confirms") / "relay.py", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert str(tmp_path) in done.stderr.splitlines()[0]


RELAY_WITHOUT_BROKER = """
import math, socket, threading
from relay import serve
listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=(listener, 3, "orders"), daemon=True).start()
for _ in range(2):
    with socket.create_connection(listener.getsockname(), timeout=10) as program:
        print(program.recv(1))
"""


def test_relay_ends_connections_when_there_is_no_broker_any_more(copied: Copied, run: Run) -> None:
    program = copied("03_publisher_confirms") / "program.py"
    program.write_text(RELAY_WITHOUT_BROKER)
    done = run(program, url=f"amqp://127.0.0.1:{ports.free(1)[0]}/")
    assert done.stdout.split() == ["b''", "b''"], done.stderr


@pytest.mark.parametrize("restart", ["sh -c 'exit 1'", "no-such-program", "'"])
def test_failed_restart_is_told_and_leaves_no_orders(restart: str, copied: Copied, run: Run) -> None:
    folder = copied("03_publisher_confirms")
    done = run(folder / "experiment.py", "--json", "--restart", restart)
    assert done.returncode == 1
    complaint = done.stderr.splitlines()[-1]
    assert complaint == f"Error: The broker was not restarted; try by hand: {restart}"
    assert run(folder / "consumer.py").stdout == ""


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Project]:
    """A copy of the project with a broker of its own to restart: in Docker, else a private node."""
    way = "native" if compose.why_not() else "docker"
    if way == "native" and not native.server_script():
        pytest.skip("neither a Docker engine nor rabbitmq-server is here")
    amqp, management = map(str, ports.free(2))
    name = f"rabbit-holes-restart-{os.getpid()}"
    project = Project(
        copy_project(tmp_path, "lessons"),
        AMQP_PORT=amqp,
        MANAGEMENT_PORT=management,
        COMPOSE_PROJECT_NAME=name,
    )
    try:
        up = project.broker("up", "--way", way)
        assert up.returncode == 0, up.stderr
        yield project
    finally:
        project.broker("down")
        if way == "docker":
            command = ["docker", "compose", "down", "--volumes"]
            subprocess.run(command, cwd=project.folder, env=project.environ, capture_output=True, check=True)


def test_experiment_with_a_restart(own_broker: Project) -> None:
    port = own_broker.environ["AMQP_PORT"]
    done = own_broker.run(
        "lessons/03_publisher_confirms/experiment.py",
        "--json",
        "--restart",
        f"python3 {own_broker.folder}/scripts/broker.py restart",
        AMQP_URL=f"amqp://guest:guest@127.0.0.1:{port}/%2F",
    )
    assert_only_the_hopeful_loses(done, ["wrong key", "no exchange", "network fails", "restart"])
