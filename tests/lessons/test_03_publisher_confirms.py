"""The experiment of lesson 03 measures what its page claims."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

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
