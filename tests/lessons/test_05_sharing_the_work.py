"""The experiment of lesson 05 measures what its page claims, and so does its measure of speed."""

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from pika.adapters.blocking_connection import BlockingChannel
from workbench.player import reader_environment
from workbench.wire import Fault, FaultPlan, Hold, When, Wire

Run = Callable[..., CompletedProcess]
Copied = Callable[[str], Path]
FOLDER = "05_sharing_the_work"
MAX_SECONDS = 60
RATE = re.compile(r"prefetch +(\d+) +([\d,]+)/s")


def test_experiment(copied: Copied, run: Run) -> None:
    done = run(copied(FOLDER) / "experiment.py", "--json")

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    none, one, ten, hundred = result["trials"]
    assert result["lesson"] == "05"
    for trial in result["trials"]:
        assert trial["published"] == trial["handled"] == trial["fast"] + trial["slow"] == 120
        assert trial["lost"] == trial["duplicated"] == trial["out_of_order"] == 0
        assert trial["broken"] == (trial["late"] > 10)
    assert [trial["held"] for trial in (none, one, ten, hundred)] == [120, 1, 10, 100]
    assert none["fast"] == hundred["fast"] == 60
    # How long it took is not compared: where another process takes a core, that says more of the core.
    assert one["fast"] > one["slow"]
    assert one["late"] < ten["late"]


def orders_ready(channel: BlockingChannel) -> int:
    return channel.queue_declare("lesson05.packing", durable=True).method.message_count


def test_orders_on_their_way_when_the_experiment_is_stopped_come_to_nothing(
    copied: Copied, vhost_url: str, channel: BlockingChannel
) -> None:
    held = threading.Event()
    plan = FaultPlan((Fault(When("publish", nth=2), Hold(until=When("connection-close"))),))
    with Wire(vhost_url, plan, observer=lambda each: held.set() if each.kind == "fault" else None) as wire:
        command = [sys.executable, str(copied(FOLDER) / "experiment.py"), "--json"]
        environ = reader_environment(wire.address_for("experiment"))
        with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as run:
            assert held.wait(MAX_SECONDS)
            run.send_signal(signal.SIGINT)
            _out, err = run.communicate(timeout=MAX_SECONDS)
    assert err == "stopped; nothing was measured\n"
    assert orders_ready(channel) == 0


def test_a_small_prefetch_is_slow_where_there_is_no_work(copied: Copied, run: Run) -> None:
    done = run(copied(FOLDER) / "speed.py")

    assert done.returncode == 0, done.stderr
    rates = {int(prefetch): int(rate.replace(",", "")) for prefetch, rate in RATE.findall(done.stdout)}
    assert list(rates) == [1, 10, 100]
    assert max(rates[10], rates[100]) > 1.2 * rates[1]


def test_prefetch_is_what_a_worker_may_hold(copied: Copied, run: Run, channel: BlockingChannel) -> None:
    folder = copied(FOLDER)
    run(folder / "producer.py", "--count", "4")

    done = run(folder / "consumer.py", "--limit", "3", "--seconds", "0", "--name", "Ann")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:3] == [
        "Ann packing A-0001",
        "Ann packed A-0001",
        "Ann packing A-0002",
    ]
    assert channel.queue_declare("lesson05.packing", passive=True).method.message_count == 1
