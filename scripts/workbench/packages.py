"""Offers to install a package of the operating system, and shows the exact command before it runs it.

Standard library only: it is used before anything is installed.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from workbench import quietly

APT_LISTS = Path("/var/lib/apt/lists/partial")
DAY = 24 * 60 * 60  # seconds

# Debian's packages start these at once, on every interface. Masked first, they never run; a broker of our own
# does not need them.
SERVICES = {"rabbitmq-server": ("rabbitmq-server.service",)}
EPMD_SERVICES = ("epmd.service", "epmd.socket")


class NotInstalled(Exception):
    """The package is not there and was not installed; the text is a sentence that says what to type."""


def install(package: str, purpose: str, *, yes: bool = False) -> None:
    """Install a Debian package, with consent: asked for at a terminal, given by `yes` or where there is none.

    `purpose` goes on from the package's name ("to run a broker of our own"). Raises NotInstalled where there
    is no apt, the answer is no, the rights are lacking, or apt fails.
    """
    refuse_elsewhere(package, purpose)
    command = install_command(package)
    if not may_become_root():
        whose = "" if sudo() else "as root, "
        raise NotInstalled(f"{package} is needed {purpose}: {whose}type `{command}`, then this again")
    quietly.say(f"{package} is needed {purpose}. The command that installs it:\n  {command}")
    if not (yes or agreed()):
        raise NotInstalled(f"{package} was not installed: type the command above, then this again")
    run(package, command)


def refuse_elsewhere(package: str, purpose: str) -> None:
    """Raise NotInstalled, with what to do instead, where there is no apt."""
    if sys.platform == "darwin":
        formula = "rabbitmq" if package == "rabbitmq-server" else "python"
        raise NotInstalled(f"{package} is needed {purpose}: type `brew install {formula}`, then this again")
    if not shutil.which("apt-get"):
        raise NotInstalled(f"{package} is needed {purpose}: install it, or Docker, then type this again")


def install_command(package: str) -> str:
    """The shell command that installs the package and nothing that it merely recommends."""
    steps = [f"systemctl mask {' '.join(services)}"] if (services := services_to_mask(package)) else []
    if not known_to_apt(package):
        steps.append("apt-get update")
    steps.append(
        f"env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends {package}"
    )
    return " && ".join(f"{sudo()}{step}" for step in steps)


def services_to_mask(package: str) -> Sequence[str]:
    """The services that installing the package would start on this machine.

    Without systemd there are none: in a container or a chroot, Debian's invoke-rc.d starts nothing.
    """
    if not Path("/run/systemd/system").is_dir() or package not in SERVICES:
        return ()
    return SERVICES[package] if shutil.which("epmd") else SERVICES[package] + EPMD_SERVICES


def known_to_apt(package: str) -> bool:
    """Whether apt's lists name the package and are of today: older ones name files that are gone."""
    if not APT_LISTS.is_dir() or time.time() - APT_LISTS.stat().st_mtime > DAY:
        return False
    policy = subprocess.run(
        ["apt-cache", "policy", package], capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}
    )
    return "Candidate:" in policy.stdout and "Candidate: (none)" not in policy.stdout


def sudo() -> str:
    """What stands before a command that needs root; nothing where there is no sudo."""
    return "" if os.geteuid() == 0 or not shutil.which("sudo") else "sudo "


def may_become_root() -> bool:
    """Whether root's rights can be had: by being root, by sudo without a password, or by one typed here."""
    if os.geteuid() == 0:
        return True
    if not shutil.which("sudo"):
        return False
    return at_terminal() or sudo_works("--non-interactive")


def sudo_works(*options: str) -> bool:
    """Whether sudo lets us; without an option it may ask for a password."""
    return subprocess.run(["sudo", *options, "true"], stderr=subprocess.DEVNULL).returncode == 0


def at_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stderr.isatty())


def agreed() -> bool:
    """The answer to `[Y/n]`; yes where nobody can be asked."""
    if not at_terminal():
        return True
    quietly.say("Run it now? [Y/n] ", end="")
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")


def run(package: str, command: str) -> None:
    """Run the command, keeping its output back unless it fails; raises NotInstalled then."""
    # The password is asked for here: later the clock would write over the question.
    if sudo() and not sudo_works():
        raise NotInstalled(
            f"sudo did not let us: have somebody who may type `{command}`, then type this again"
        )
    try:
        with quietly.Clock(f"installing {package} ...") as clock:
            quietly.run(["sh", "-c", command], clock)
    except quietly.Failed as failure:
        quietly.say(failure.output)
        raise NotInstalled(
            f"could not install {package}: mend what apt says above, then type this again"
        ) from None
