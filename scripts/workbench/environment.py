"""Every script's first step: make `.venv`, install what is missing into it, and go on inside it.

Standard library only. Up to the check of the version it has to parse on any Python 3, so that an old one is
told in a sentence what it lacks.
"""

import os
import signal
import sys

if os.name == "nt":
    sys.exit("this course needs Linux, macOS or WSL: on Windows, type `wsl` and run it in there")
if sys.version_info < (3, 10):  # noqa: UP036
    sys.exit(
        f"Python 3.10 or newer is needed, and this is {sys.version_info[0]}.{sys.version_info[1]}: "
        f"type the same with a newer one, such as `python3.12 {' '.join(sys.argv)}`"
    )

import fcntl
import importlib.util
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench import packages, quietly

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "stamp.json"

# What pip says when it cannot reach a package index.
NO_NETWORK = re.compile(
    r"name resolution|name or service not known|nodename nor servname|connection refused|NewConnectionError"
    r"|ConnectTimeout|Network is unreachable|No route to host|ProxyError|Read timed out",
    re.IGNORECASE,
)


def enter(*requirement_files: str) -> None:
    """Go on with this script inside `.venv`, made and filled first where that is needed.

    `requirement_files` are paths from the project's root; requirements.txt where none is named. Returns only
    in `.venv`; elsewhere the process is replaced by the same script under `.venv`'s Python. Exits with a
    sentence where the environment cannot be made.
    """
    try:
        wanted = requests(requirement_files or ("requirements.txt",))
        if missing(wanted):
            with one_at_a_time("another script is preparing .venv"):
                prepare(wanted)
    except KeyboardInterrupt:
        quietly.say("\nstopped while installing; the next run begins again")
        sys.exit(0)
    except OSError as error:
        sys.exit(f"cannot use {error.filename or VENV} ({error.strerror}): see to its owner and rights")
    go_on_inside()
    # What follows is imports, which take a moment: Ctrl-C there is a normal ending too. The command itself
    # takes the signal back (edge.py).
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, stop_quietly)


def stop_quietly(_signal: int, _frame: object) -> None:
    """End as a command does that is stopped."""
    quietly.say("\nstopped")
    sys.exit(0)


def requests(requirement_files: tuple[str, ...]) -> dict[str, str]:
    """What each file asks for: its text, and that of the constraints which hold for pip."""
    constraints = os.environ.get("PIP_CONSTRAINT", "").split()
    held_to = "".join(each if "://" in each else Path(each).read_text() for each in constraints)
    return {name: (ROOT / name).read_text() + held_to for name in requirement_files}


def missing(wanted: dict[str, str]) -> list[str]:
    """Names of the requirement files that `.venv` does not have, or not in this form."""
    installed = stamp()["installed"] if usable() else {}
    return [name for name, request in wanted.items() if installed.get(name) != request]


def usable() -> bool:
    """Whether `.venv` is whole, and runs the version of Python that was asked for."""
    return PYTHON.exists() and stamp()["python"] == sys.implementation.cache_tag


def stamp() -> dict:
    """What was put into `.venv`; one whose making was cut short has none."""
    try:
        return json.loads(STAMP.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return {"python": None, "installed": {}}


def go_on_inside() -> None:
    """Return if this is `.venv`'s Python already, else become it: same arguments, process and terminal."""
    if inside():
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(PYTHON, [str(PYTHON), *sys.orig_argv[1:]])


def inside() -> bool:
    """Whether this process runs in `.venv`."""
    return sys.executable == str(PYTHON) or Path(sys.prefix).resolve() == VENV


@contextmanager
def one_at_a_time(other: str) -> Iterator[None]:
    """Hold the project's lock; `other` says what goes on elsewhere if it has to be waited for."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            quietly.say(f"{other}: waiting for it")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def prepare(wanted: dict[str, str]) -> None:
    """Make `.venv` if it is not usable, and install into it what it lacks."""
    lacking = missing(wanted)
    if not lacking:
        return  # another script did it while this one waited
    fresh = not (usable() or inside())
    if fresh:
        need_venv_module()
    before = {} if fresh else stamp()["installed"]
    # Killed from here on, .venv has no stamp: the next run makes it from nothing.
    STAMP.unlink(missing_ok=True)
    try:
        fill(lacking, fresh)
    except quietly.Failed as failure:
        if not fresh:
            write_stamp(before)
        sys.exit(explained(failure))
    write_stamp(before | {name: wanted[name] for name in lacking})


def need_venv_module() -> None:
    """See to it that this Python can make a venv: Debian and Ubuntu keep that in a package of its own."""
    if importlib.util.find_spec("ensurepip"):
        return
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    try:
        packages.install(package, "to make the project's .venv", yes="--yes" in sys.argv)
    except packages.NotInstalled as reason:
        sys.exit(str(reason))


def fill(lacking: list[str], fresh: bool) -> None:
    """Install the requirement files, into a new `.venv` if it has to be `fresh`; raises quietly.Failed."""
    names = [name for file in lacking for name in required(ROOT / file)]
    with quietly.Clock(f"installing {', '.join(names)} into .venv (only this once) ...") as clock:
        if fresh:
            quietly.run([sys.executable, "-m", "venv", "--clear", str(VENV)], clock)
        quietly.run(pip_install(lacking), clock, os.environ | pip_settings())


def required(requirement_file: Path) -> list[str]:
    """The names of the packages in a requirement file, without their versions."""
    return re.findall(r"^([A-Za-z0-9][\w.-]*)", requirement_file.read_text(), re.MULTILINE)


def pip_install(requirement_files: list[str]) -> list[str]:
    """The command that brings `.venv` to the newest versions that the requirement files allow."""
    command = [str(PYTHON), "-m", "pip", "install", "--upgrade"]
    for file in requirement_files:
        command += ["--requirement", str(ROOT / file)]
    return command


def pip_settings() -> dict[str, str]:
    """What pip must not ask, nor try for minutes."""
    return {
        "PIP_NO_INPUT": "1",
        "PIP_USER": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_RETRIES": os.environ.get("PIP_RETRIES", "2"),
    }


def explained(failure: quietly.Failed) -> str:
    """One sentence on why the installation failed, below pip's own words where they are needed for that."""
    again = f"type `python3 {' '.join(sys.argv)}` again"
    if NO_NETWORK.search(failure.output):
        return f"cannot reach the Python Package Index: connect to the network, and {again}"
    return f"{failure.output}\ncould not install the packages above: mend what pip says there, and {again}"


def write_stamp(installed: dict[str, str]) -> None:
    """Note what `.venv` now holds, in one step that cannot be seen half done."""
    draft = STAMP.with_suffix(".new")
    draft.write_text(json.dumps({"python": sys.implementation.cache_tag, "installed": installed}))
    draft.replace(STAMP)
