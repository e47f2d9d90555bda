"""Pytest as it is typed, without scripts/run_tests.py, which would have started a broker."""

import os
import subprocess
import sys

import pytest
from project_copy import ROOT
from workbench.ports import free

NEEDS_A_BROKER = "tests/lessons/test_02_acknowledgements.py"


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_no_broker_is_told_in_one_sentence(workers: str) -> None:
    [port] = free()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", workers, "-q", NEEDS_A_BROKER],
        cwd=ROOT,
        env=os.environ | {"AMQP_URL": f"amqp://guest:s3cret@127.0.0.1:{port}/"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    shown = done.stdout + done.stderr
    assert done.returncode != 0
    assert shown.count(f"nothing listens at 127.0.0.1:{port}: start that broker") == 1
    assert "crashed" not in shown
    assert "Traceback" not in shown
    assert "s3cret" not in shown
