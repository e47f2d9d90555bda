"""A script finds its packages wherever it is started: `.venv` is made, filled, mended and shared."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from project_copy import ROOT, is_one_sentence
from workbench import environment

SCRIPT = """\
from workbench import environment
environment.enter()
import sys
import greeting
print(greeting.WORDS, sys.argv[1:])
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with one small package to install, `.venv` and all."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "scripts").mkdir()
    shutil.copytree(ROOT / "scripts/workbench", folder / "scripts/workbench")
    (folder / "scripts/say.py").write_text(SCRIPT)
    require(folder, "1.0")
    assert run(folder, "0").returncode == 0
    return folder


@pytest.fixture
def project(made, tmp_path):
    return shutil.copytree(made, tmp_path / "a project", symlinks=True)


def require(folder: Path, version: str) -> None:
    """Let requirements.txt ask for a package that lies beside it."""
    wheel = folder / f"greeting-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("greeting.py", f"WORDS = 'hello from {version}'\n")
        info = f"greeting-{version}.dist-info"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: greeting\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    (folder / "requirements.txt").write_text("# what a lesson needs\ngreeting>=1.0\n")


def start(folder: Path, *arguments: str, **variables: str) -> subprocess.Popen:
    """Start the script under the Python that made the tests' environment, outside of any environment."""
    settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": folder.as_uri()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return subprocess.Popen(
        [outer_python(), "scripts/say.py", *arguments],
        cwd=folder,
        env=inherited | settings | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def outer_python() -> str:
    """The Python that the running one's venv was made with."""
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}")


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    with start(folder, *arguments, **variables) as process:
        stdout, stderr = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def test_a_second_run_installs_nothing_and_keeps_arguments_and_status(project):
    done = run(project, "7", "two words", "--yes")
    assert (done.returncode, done.stdout) == (7, "hello from 1.0 ['7', 'two words', '--yes']\n")
    assert done.stderr == ""


def test_a_changed_requirement_is_installed_into_the_same_venv(project):
    kept = project / ".venv" / "kept"
    kept.touch()
    require(project, "1.1")
    (project / "requirements.txt").write_text("greeting>=1.1\n")
    done = run(project, "0")
    assert "hello from 1.1" in done.stdout
    assert "installing greeting into .venv" in done.stderr
    assert kept.exists()


def test_a_constraint_of_pip_counts_as_a_change_and_so_does_its_end(project, tmp_path):
    require(project, "1.1")
    constraint = tmp_path / "lowest.txt"
    constraint.write_text("greeting==1.1\n")
    assert "hello from 1.1" in run(project, "0", PIP_CONSTRAINT=str(constraint)).stdout
    constraint.write_text("greeting==1.0\n")
    assert "hello from 1.0" in run(project, "0", PIP_CONSTRAINT=str(constraint)).stdout
    assert "hello from 1.1" in run(project, "0").stdout


def test_killed_while_it_installs_it_is_made_good_by_the_next_even_by_two_at_once(project):
    require(project, "1.1")
    (project / "requirements.txt").write_text("greeting>=1.1\n")
    with start(project, "0") as killed:
        assert "installing" in killed.stderr.readline()
        os.killpg(killed.pid, signal.SIGKILL)
    assert not (project / ".venv" / "stamp.json").exists()
    with start(project, "0") as first, start(project, "0") as second:
        outputs = [process.communicate(timeout=120) for process in (first, second)]
    assert [out for out, _err in outputs] == ["hello from 1.1 ['0']\n"] * 2
    assert sorted(err.partition(" ")[0] for _out, err in outputs) == ["another", "installing"]


def test_a_venv_whose_python_is_gone_is_made_again(project):
    (project / ".venv" / "bin" / "python").unlink()
    assert run(project, "0").returncode == 0


def test_a_venv_of_another_python_is_made_again(project):
    stamp = project / ".venv" / "stamp.json"
    stamp.write_text(json.dumps(json.loads(stamp.read_text()) | {"python": "cpython-39"}))
    assert "installing" in run(project, "0").stderr


def test_no_network_is_one_sentence(project):
    (project / "requirements.txt").write_text("no-such-package\n")
    done = run(project, "0", PIP_NO_INDEX="0", PIP_INDEX_URL="http://127.0.0.1:1/", PIP_RETRIES="1")
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == [
        "cannot reach the Python Package Index: "
        "connect to the network, and type `python3 scripts/say.py 0` again"
    ]


def test_pip_speaks_where_it_fails_and_a_sentence_comes_last(project):
    (project / "requirements.txt").write_text("greeting>=9\n")
    done = run(project, "0")
    assert done.returncode == 1
    assert "No matching distribution found for greeting>=9" in done.stderr
    assert done.stderr.splitlines()[-1].endswith("type `python3 scripts/say.py 0` again")
    assert "Traceback" not in done.stderr
    assert json.loads((project / ".venv/stamp.json").read_text())["installed"], (
        "what was there is still there"
    )


@pytest.mark.parametrize("minor", [6, 7, 8, 9])
def test_an_old_python_is_told_so_in_a_sentence(minor):
    found = shutil.which(f"python3.{minor}")
    if not found or subprocess.run([found, "-c", ""], capture_output=True).returncode:
        pytest.skip(f"Python 3.{minor} is not on this machine")
    done = subprocess.run([found, "scripts/start.py"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, is_one_sentence(done)) == (1, True)
    assert f"this is 3.{minor}: type the same with a newer one" in done.stderr


@pytest.mark.parametrize(
    "script", sorted((ROOT / "scripts").glob("*.py")) + [ROOT / "scripts/workbench/environment.py"], ids=str
)
def test_what_runs_before_the_check_parses_on_an_old_python(script):
    ast.parse(script.read_text(), feature_version=(3, 7))


def test_a_constraint_may_be_somewhere_else(monkeypatch):
    monkeypatch.setenv("PIP_CONSTRAINT", "https://example.org/constraints.txt")
    [text] = environment.requests(("requirements.txt",)).values()
    assert text.endswith("https://example.org/constraints.txt")
