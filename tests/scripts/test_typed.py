"""What a sentence says to type runs where it is read."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from project_copy import copy_project, without_settings
from workbench.ports import free

SILENT = "amqp://guest:guest@127.0.0.1:{}/"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project whose path has to be quoted."""
    return copy_project(tmp_path_factory.mktemp("a copy"), "lessons", "scripts/check.py")


@pytest.mark.parametrize("place", [".", "lessons/01_first_event", "scripts", ".."])
def test_the_command_in_a_sentence_runs_from_there(place: str, project: Path) -> None:
    folder = project / place
    told = subprocess.run(
        [sys.executable, str(project / "scripts" / "broker.py"), "status"],
        cwd=folder,
        env=without_settings() | {"AMQP_URL": SILENT.format(*free())},
        capture_output=True,
        text=True,
        check=False,
    )
    command = re.search(r"type `(python3 .* up)`", told.stderr)[1]
    done = subprocess.run(
        f"{command} --help", shell=True, cwd=folder, capture_output=True, text=True, check=True
    )
    assert "starting one if none does" in done.stdout
    assert (place == ".") == (command == "python3 scripts/broker.py up")


def test_the_hints_are_given_where_one_reads_of_them(project: Path, broker_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "../../scripts/check.py", "02", "--seed", "7"],
        cwd=project / "lessons" / "02_acknowledgements",
        env=os.environ | {"AMQP_URL": broker_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.endswith("\nA hint for each: python3 ../../scripts/check.py 02 --hint --seed 7\n")
