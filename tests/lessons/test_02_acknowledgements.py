"""The experiment of lesson 02 measures what its page claims."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from pika.adapters.blocking_connection import BlockingChannel

Run = Callable[..., CompletedProcess]
Copied = Callable[[str], Path]


def test_experiment(copied: Copied, run: Run) -> None:
    done = run(copied("02_acknowledgements") / "experiment.py", "--json")

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    automatic, manual = result["trials"]
    assert result["lesson"] == "02"
    assert automatic["broken"]
    assert automatic["lost"] >= 1
    assert not manual["broken"]
    assert manual["published"] == manual["handled"] == 10
    assert manual["lost"] == manual["duplicated"] == manual["out_of_order"] == 0
    assert manual["redelivered"] >= 1


def test_a_second_consumer_would_spoil_the_experiment(
    copied: Copied, run: Run, channel: BlockingChannel
) -> None:
    channel.queue_declare("lesson02.orders", durable=True)
    channel.basic_consume("lesson02.orders", lambda *_delivery: None)

    done = run(copied("02_acknowledgements") / "experiment.py", "--json")

    assert done.returncode == 1
    assert "Somebody else consumes from lesson02.orders" in done.stderr
