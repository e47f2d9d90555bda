"""System packages are offered: the exact command is shown, and nothing is run without consent and rights."""

import os
import pty
import shutil
import subprocess
import sys

import pytest
from project_copy import ROOT
from workbench import packages

needs_apt = pytest.mark.skipif(not shutil.which("apt-get"), reason="apt-get is not on this machine")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

NOBODY = 65534

# A package that no archive has: should consent be mistaken, nothing gets installed.
OFFER = """\
import os, sys
sys.path.insert(0, {scripts!r})
from workbench import packages
os.setuid({user})
try:
    packages.install("no-such-package-anywhere", "to try this")
except packages.NotInstalled as reason:
    print(reason)
"""


def offer(*, user: int) -> list[str]:
    """The command that offers a package to this user, in a process of its own."""
    return [sys.executable, "-c", OFFER.format(scripts=str(ROOT / "scripts"), user=user)]


@needs_apt
def test_the_command_installs_nothing_that_is_merely_recommended_and_asks_nothing():
    command = packages.install_command("rabbitmq-server").split(" && ")
    assert command[-1].endswith(
        "env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends rabbitmq-server"
    )
    assert not command[-1].startswith("sudo") or os.geteuid() != 0


@needs_apt
def test_lists_that_do_not_name_the_package_are_fetched_first():
    steps = packages.install_command("no-such-package-anywhere").split(" && ")
    assert steps[0].endswith("apt-get update")


@pytest.mark.skipif(not os.path.isdir("/run/systemd/system"), reason="systemd does not run this machine")
def test_with_systemd_the_package_s_own_service_never_starts():
    assert "systemctl mask rabbitmq-server.service" in packages.install_command("rabbitmq-server")


@pytest.mark.skipif(os.path.isdir("/run/systemd/system"), reason="systemd runs this machine")
def test_without_systemd_there_is_no_service_to_hold_back():
    assert "systemctl" not in packages.install_command("rabbitmq-server")


@needs_apt
@needs_root
@pytest.mark.skipif(bool(shutil.which("sudo")), reason="sudo might let that user")
def test_without_rights_the_command_to_type_is_all_that_happens():
    done = subprocess.run(offer(user=NOBODY), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.startswith("no-such-package-anywhere is needed to try this: as root, type `")


@needs_apt
@needs_root
def test_a_no_at_the_terminal_is_heeded():
    shown, status = at_terminal(offer(user=0), "n\n")
    assert "apt-get install --yes --no-install-recommends no-such-package-anywhere" in shown
    assert "Run it now? [Y/n]" in shown
    assert "was not installed: type the command above" in shown
    assert status == 0


def at_terminal(command: list[str], typed: str) -> tuple[str, int]:
    """Run the command at a terminal of its own and type something; returns what it showed, and its status."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    os.write(ours, typed.encode())
    shown = b""
    while piece := read_terminal(ours):
        shown += piece
    os.close(ours)
    return shown.decode(), process.wait()


def read_terminal(terminal: int) -> bytes:
    """What comes next, nothing at the end: Linux says that with an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
