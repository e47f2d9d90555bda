"""A terminal for pages, also where the system has no pseudo-terminals to give."""

import os
import pty
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from workbench.terminal import Terminal


def shown(terminal: Terminal, command: str) -> list[str]:
    terminal.start(command)
    while terminal.running:
        terminal.read()
    return terminal.lines


@pytest.fixture
def no_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without /dev/pts, as in a bare chroot."""

    def out_of_devices() -> None:
        raise OSError("out of pty devices")

    monkeypatch.setattr(pty, "openpty", out_of_devices)


def test_a_program_finds_a_terminal_of_that_width(tmp_path: Path) -> None:
    assert shown(Terminal(tmp_path, os.environ, columns=61), "tty -s && stty size") == ["24 61"]


def test_without_terminals_a_program_finds_none_and_runs(tmp_path: Path, no_terminals: None) -> None:
    assert shown(Terminal(tmp_path, os.environ), "tty -s || echo no terminal; exit 3") == ["no terminal"]


@pytest.fixture
def in_the_background() -> Iterator[None]:
    """As a shell script's `&` starts a program: it ignores Ctrl-C."""
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, handler)


def test_ctrl_c_without_terminals(tmp_path: Path, no_terminals: None) -> None:
    assert_ctrl_c_is_heard(Terminal(tmp_path, os.environ))


def test_ctrl_c_in_the_background(tmp_path: Path, in_the_background: None) -> None:
    assert_ctrl_c_is_heard(Terminal(tmp_path, os.environ))


def assert_ctrl_c_is_heard(terminal: Terminal) -> None:
    terminal.start("trap 'echo bye; exit 0' INT; echo ready; for _ in {1..100}; do sleep 0.1; done; exit 9")
    while not terminal.lines:
        terminal.read()
    terminal.interrupt()
    while terminal.running:
        terminal.read()
    assert terminal.lines == ["ready", "^Cbye"]
    assert terminal.exit_status == 0
