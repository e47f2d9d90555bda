"""What the operating system refuses ends a command in a sentence."""

import errno
import os

import click
import pytest
from click.testing import CliRunner
from workbench.edge import Command


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_what_may_not_be_written_is_told(number: int) -> None:
    @click.command(cls=Command)
    def write() -> None:
        raise OSError(number, os.strerror(number), "exercise.py")

    done = CliRunner().invoke(write)
    assert done.exit_code == 1
    assert "not allowed to use exercise.py: type this as the user who owns it" in done.output


def test_what_is_nobodys_refusal_is_not_hidden() -> None:
    @click.command(cls=Command)
    def fail() -> None:
        raise ConnectionResetError(errno.ECONNRESET, "reset")

    assert isinstance(CliRunner().invoke(fail).exception, ConnectionResetError)
