"""Each experiment asks for a guess once it can run, and leaves nothing behind when it is stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pika import BlockingConnection
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker
from workbench.lessons import LESSONS
from workbench.management import Management
from workbench.player import reader_environment
from workbench.ports import free
from workbench.terminal import Terminal

EXPERIMENTS = sorted(LESSONS.glob("*/experiment.py"))
# Of those that a consumer left over would spoil: a queue, and what the lesson calls who consumes from it.
CONSUMED = {
    "02_acknowledgements": ("lesson02.orders", "consumer"),
    "03_publisher_confirms": ("lesson03.packing", "consumer"),
    "04_topic_routing": ("lesson04.inventory", "service"),
    "05_sharing_the_work": ("lesson05.packing", "worker"),
    "06_idempotent_consumer": ("lesson06.billing", "consumer"),
    "07_dead_letters": ("lesson07.dead", "consumer"),
    "08_retries": ("lesson08.parked", "consumer"),
    "09_ordering": ("lesson09.shared", "consumer"),
}
ARGUMENTS = {
    "07_dead_letters": {"x-queue-type": "classic"},
    "08_retries": {"x-queue-type": "classic"},
    "09_ordering": {
        "x-queue-type": "classic",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "lesson09.dead",
    },
}
MAX_SECONDS = 60
WIDE = 200  # so that nothing wraps

needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
each_experiment = pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda path: path.parent.name)


def started(experiment: Path, url: str) -> Terminal:
    """The experiment when it has ended, or asks."""
    terminal = Terminal(experiment.parent, reader_environment(url), columns=WIDE)
    terminal.start(f"python {experiment.name}")
    while terminal.running and not terminal.partial.endswith(": "):
        terminal.read()
    return terminal


def until_it_listens(terminal: Terminal) -> None:
    """Until what runs there sleeps: Python does not hear a Ctrl-C between its question and its reading."""
    foreground = os.tcgetpgrp(terminal.master)
    while Path(f"/proc/{foreground}/stat").read_text().rpartition(")")[2].split()[0] != "S":
        time.sleep(0.001)


def assert_told_before_asked(terminal: Terminal, complaint: str) -> None:
    asked = terminal.partial
    terminal.kill()
    assert asked == ""
    assert terminal.exit_status == 1
    assert len(terminal.lines) == 1, terminal.lines
    assert terminal.lines[0].startswith(f"Error: {complaint}")


@each_experiment
def test_no_broker_is_told_before_anybody_is_asked(experiment: Path) -> None:
    terminal = started(experiment, f"amqp://127.0.0.1:{free()[0]}/")
    assert_told_before_asked(terminal, "No broker answers")


@pytest.mark.parametrize("folder", CONSUMED)
def test_a_consumer_left_over_is_told_before_anybody_is_asked(
    folder: str, vhost_url: str, channel: BlockingChannel
) -> None:
    queue, whose = CONSUMED[folder]
    channel.queue_declare(queue, durable=True, arguments=ARGUMENTS.get(folder))
    channel.basic_consume(queue, lambda *_delivery: None)

    terminal = started(LESSONS / folder / "experiment.py", vhost_url)

    assert_told_before_asked(
        terminal, f"Somebody else consumes from {queue}; stop the {whose} in the other terminal."
    )


@needs_linux
@each_experiment
def test_ctrl_c_at_the_question_is_a_normal_ending(experiment: Path, vhost_url: str) -> None:
    terminal = started(experiment, vhost_url)
    question = terminal.partial
    until_it_listens(terminal)
    terminal.interrupt()
    while terminal.running:
        terminal.read()
    assert terminal.exit_status == 0
    asked, said = terminal.lines
    assert asked == f"{question}^C"
    assert said.startswith("stopped")


@each_experiment
def test_experiment_that_is_stopped_leaves_nothing(
    experiment: Path, vhost_url: str, channel: BlockingChannel
) -> None:
    output = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, str(experiment)]
    with subprocess.Popen(command, env=reader_environment(vhost_url), **output) as stopped:
        while not messages_left(vhost_url, channel):
            assert stopped.poll() is None, stopped.stderr.read()
        stopped.send_signal(signal.SIGINT)
        _out, err = stopped.communicate(timeout=MAX_SECONDS)
    assert stopped.returncode == 0, err
    assert err.splitlines()[-1] == "stopped; nothing was measured"
    assert messages_left(vhost_url, channel) == {}


HANGS, DIES = "import time; time.sleep(600)", "raise SystemExit(3)"
# Of those that run scripts to their end: a script, and what it does instead. What hangs is the first that is
# run: whatever ran before it would have to end within the one second that is left to it.
FAILING = [
    ("03_publisher_confirms", "hopeful_producer.py", HANGS),
    ("03_publisher_confirms", "consumer.py", DIES),
    ("07_dead_letters", "consumer.py", HANGS),
    ("07_dead_letters", "consumer.py", DIES),
    ("08_retries", "consumer.py", HANGS),
    ("08_retries", "consumer.py", DIES),
]


@pytest.mark.parametrize(("folder", "name", "fault"), FAILING)
def test_script_that_fails_is_told_and_nothing_is_left(
    folder: str,
    name: str,
    fault: str,
    copied: Callable[[str], Path],
    vhost_url: str,
    channel: BlockingChannel,
) -> None:
    lesson = copied(folder)
    (lesson / name).write_text(f"if __name__ == '__main__':\n    {fault}\n" + (lesson / name).read_text())
    experiment = lesson / "experiment.py"
    if fault == HANGS:
        experiment.write_text(experiment.read_text().replace("MAX_SECONDS = 60", "MAX_SECONDS = 1"))
    done = subprocess.run(
        [sys.executable, str(experiment)],
        env=reader_environment(vhost_url),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=MAX_SECONDS,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    *_told, complaint = done.stderr.splitlines()
    assert complaint.startswith("Error: ")
    assert f"python {name}" in complaint
    assert messages_left(vhost_url, channel) == {}


MEASURE = [("07_dead_letters", "limits"), ("08_retries", "native_retry"), ("05_sharing_the_work", "speed")]


@pytest.mark.parametrize(("folder", "name"), MEASURE, ids=[name for _folder, name in MEASURE])
def test_measuring_that_is_stopped_leaves_no_queue(
    folder: str, name: str, copied: Callable[[str], Path], vhost_url: str
) -> None:
    script = copied(folder) / f"{name}.py"
    script.write_text(script.read_text().replace("60_000", "500"))
    with subprocess.Popen(
        [sys.executable, str(script)], env=reader_environment(vhost_url), stderr=subprocess.PIPE, text=True
    ) as process:
        until_true(lambda: queues(vhost_url) or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=MAX_SECONDS)
    assert process.returncode == 0, err
    until_true(lambda: not queues(vhost_url))


def queues(vhost_url: str) -> list[dict]:
    return Management.of(vhost_url).get(f"queues/{vhost_url.rpartition('/')[2]}?columns=name")


def until_true(condition: Callable[[], object]) -> None:
    for _ in range(MAX_SECONDS * 20):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never came so")


def messages_left(vhost_url: str, channel: BlockingChannel) -> dict[str, int]:
    """How many messages are ready in each queue of the vhost that has any."""
    vhost = vhost_url.rpartition("/")[2]
    names = [queue["name"] for queue in Management.of(vhost_url).get(f"queues/{vhost}?columns=name")]
    counts = {name: ready(channel.connection, name) for name in names}
    return {name: count for name, count in counts.items() if count}


def ready(connection: BlockingConnection, queue: str) -> int:
    """How many messages are ready there; 0 where it has just been deleted."""
    try:
        return connection.channel().queue_declare(queue, passive=True).method.message_count
    except ChannelClosedByBroker:
        return 0
