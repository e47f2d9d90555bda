"""A copy of the project's commands in another folder: what is tried there leaves this one alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = (
    "requirements.txt",
    "docker-compose.yml",
    "scripts/workbench",
    "scripts/broker.py",
    "scripts/start.py",
)


class Project:
    """The copy, and the environment that its commands are run in."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.environ = without_settings() | variables

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess:
        """Run `python COMMAND...` in the copy, without a terminal; returns status and output."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=self.environ | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
        )

    def broker(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        """Run scripts/broker.py of the copy."""
        return self.run("scripts/broker.py", *arguments, **variables)


def copy_project(folder: Path, *more: str) -> Path:
    """Copy the commands, and `more` paths, into the folder; the packages stay shared."""
    for name in (*COPIED, *more):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def without_settings() -> dict[str, str]:
    """This process's environment without what tells where a broker is."""
    settings = ("AMQP_URL", "AMQP_PORT", "MANAGEMENT_URL", "MANAGEMENT_PORT", "COMPOSE_PROJECT_NAME")
    return {name: value for name, value in os.environ.items() if name not in settings}


def is_one_sentence(done: subprocess.CompletedProcess) -> bool:
    """Whether a failed command said one thing, without a traceback."""
    return "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1
