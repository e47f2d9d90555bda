"""scripts/lesson.py as it is typed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from left_over import processes_with
from project_copy import ROOT, copy_project
from workbench.guard import CLEARING_SECONDS
from workbench.lessons import all_lessons
from workbench.management import Management, vhost_names
from workbench.terminal import Terminal


def lesson(*arguments: str, project: Path = ROOT, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(project / "scripts" / "lesson.py"), *arguments],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, so that its pages may be changed."""
    return copy_project(tmp_path, "lessons", "scripts/lesson.py")


def test_list_names_every_lesson() -> None:
    done = lesson("list", COLUMNS="200")
    for each in all_lessons():
        assert f"{each.number}  {each.title}" in done.stdout
        assert each.question in done.stdout


@pytest.mark.parametrize("arguments", [["list"], ["show", "02"], ["diff", "01", "02"]], ids=lambda a: a[0])
def test_fits_80_columns_and_has_no_colour_in_a_pipe(arguments: list[str]) -> None:
    done = lesson(*arguments)
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout


def test_show_puts_the_picture_in_words() -> None:
    done = lesson("show", "1")
    assert "producer.py → lesson01.orders: publish" in done.stdout
    assert "flowchart" not in done.stdout


def test_show_does_without_letters_that_the_terminal_has_not() -> None:
    done = lesson("show", "02", PYTHONIOENCODING="latin-1")
    assert done.returncode == 0, done.stderr


def test_show_pages_at_a_terminal_and_only_there(tmp_path: Path) -> None:
    pager = {"PAGER": "grep -c ."}
    terminal = Terminal(tmp_path, os.environ | pager)
    terminal.start(f"{sys.executable} {ROOT / 'scripts' / 'lesson.py'} show 02")
    while terminal.running:
        terminal.read()
    printed = lesson("show", "02", **pager).stdout

    assert printed.count("\n") > 24
    assert terminal.lines == [str(len([line for line in printed.splitlines() if line]))]


def test_show_tells_dotted_arrows_too() -> None:
    assert "peek.py → lesson07.dead: look" in lesson("show", "7").stdout


def test_show_leaves_folded_what_one_should_guess_first() -> None:
    page, unfolded = lesson("show", "2").stdout, lesson("show", "2", "--all").stdout
    assert "Guess: " in page
    assert "▸ python experiment.py (guess, then open this)" in page
    assert "Measured: " not in page
    assert "Measured: " in unfolded


def test_diff_shows_what_is_new() -> None:
    done = lesson("diff", "01", "02")
    assert "+ topology.py: only in 02_acknowledgements" in done.stdout
    assert '+@click.option("--auto-ack"' in done.stdout


def test_unknown_lesson() -> None:
    done = lesson("show", "77")
    assert done.returncode == 2
    assert "there is no lesson 77; there are 01, 02" in done.stderr


def test_run_plays_the_page_in_one_terminal(broker_url: str) -> None:
    done = lesson("run", "01", AMQP_URL=broker_url)
    assert done.returncode == 0, done.stderr
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert "1 │ $ python producer.py --count 3" in lines
    assert lines.index("1 │ placed A-0003") < lines.index("2 │ packed A-0001 for Alice")


@pytest.mark.parametrize("how", [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_nothing_is_left_of_a_run_that_is_ended(how: signal.Signals, tmp_path: Path, broker_url: str) -> None:
    with subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / "lesson.py"), "run", "02"],
        env={**os.environ, "AMQP_URL": broker_url, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        while " placed " not in process.stdout.readline():
            assert process.poll() is None
        [folder] = tmp_path.iterdir()
        process.send_signal(how)
    until(lambda: left_of(folder, broker_url) == [])


def left_of(folder: Path, url: str) -> list[str]:
    """What is left of a run of a page in this folder."""
    vhosts = vhost_names(Management.of(url))
    token = folder.name.rpartition("-")[2]
    return [*filter(Path.exists, [folder]), *processes_with({token}), *({folder.name} & vhosts)]


def until(condition: Callable[[], bool]) -> None:
    """Wait for what a guard does when its command has ended."""
    deadline = time.monotonic() + CLEARING_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_run_says_where_a_page_fails(project: Path, broker_url: str) -> None:
    (project / "lessons" / "01_first_event" / "consumer.py").unlink()
    done = lesson("run", "01", project=project, AMQP_URL=broker_url)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: lessons/01_first_event/README.md:")
    assert "Traceback" not in done.stderr


def test_record_writes_what_the_commands_print(project: Path, broker_url: str) -> None:
    page = project / "lessons" / "01_first_event" / "README.md"
    before = page.read_text(encoding="utf-8")
    page.write_text(before.replace("packed A-0002 for Bob", "packed A-0002 for Bill"), encoding="utf-8")

    done = lesson("record", "01", project=project, AMQP_URL=broker_url)

    assert done.returncode == 0, done.stderr
    assert page.read_text(encoding="utf-8") == before


def test_record_keeps_what_a_command_draws(project: Path, broker_url: str) -> None:
    page = project / "lessons" / "01_first_event" / "README.md"
    drawing = "![A line](drawn.svg)\n\n```console\n$ echo '<svg/>' > drawn.svg\n```\n"
    page.write_text(page.read_text(encoding="utf-8") + drawing, encoding="utf-8")

    done = lesson("record", "01", project=project, AMQP_URL=broker_url)

    assert done.returncode == 0, done.stderr
    assert (page.parent / "drawn.svg").read_text() == "<svg/>\n"

    (page.parent / "drawn.svg").write_text("of the run that the page shows")
    done = lesson("record", "01", project=project, AMQP_URL=broker_url)

    assert done.returncode == 0, done.stderr
    assert (page.parent / "drawn.svg").read_text() == "of the run that the page shows"


def test_no_broker_is_one_sentence(project: Path) -> None:
    done = lesson("run", "01", project=project, AMQP_URL="amqp://guest:s3cret@127.0.0.1:1/")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr
    shutil.rmtree(project / "lessons")
