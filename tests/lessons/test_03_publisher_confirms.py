"""The experiment of lesson 03 measures what its page claims."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from project_copy import Project, copy_project
from workbench import ports
from workbench.broker import compose, native

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
