"""The example in another language is judged by the same bench: lesson 02's shipping service in Node.js."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from project_copy import Project, copy_project
from workbench.address import management_url

PROGRAMS = ("node", "npm", "sqlite3")


@pytest.fixture
def project(tmp_path: Path, broker_url: str) -> Project:
    """A copy of the project in which npm has installed what the example needs."""
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        pytest.skip(f"not on this machine: {', '.join(missing)}")
    folder = copy_project(tmp_path, "lessons", "scripts/check.py")
    example = folder / "lessons" / "02_acknowledgements" / "node"
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=example, check=True)
    return Project(folder, AMQP_URL=broker_url, MANAGEMENT_URL=management_url())


def test_node_example_keeps_every_promise(project: Project) -> None:
    done = project.run("scripts/check.py", "02", "--json", "--command", "node node/shipping.js")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["verdict"] == "kept"
    assert all(promise["kept"] for promise in result["promises"])


def test_its_page_has_the_command_that_is_tested() -> None:
    page = Path(__file__).parents[2] / "lessons" / "02_acknowledgements" / "node" / "README.md"
    assert '02 --command "node node/shipping.js"' in page.read_text(encoding="utf-8")
