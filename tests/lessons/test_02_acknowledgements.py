"""The experiment of lesson 02 measures what its page claims."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

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
