"""A RabbitMQ of our own, run from the rabbitmq-server package without root, with all it has in `.broker/`.

Everything it listens on is bound to loopback: AMQP, management, the Erlang distribution and its epmd.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from workbench import address, packages, ports, quietly
from workbench.broker import readiness
from workbench.broker.ways import Unavailable
from workbench.environment import ROOT
from workbench.typed import typed

WAY = "native"
NAME = "a private node in .broker/"
HOME = ROOT / ".broker"
STATE = HOME / "node.json"
LOG = HOME / "node.log"

# The scripts in /usr/sbin insist on root; those they wrap do not.
SCRIPT_FOLDERS = (Path("/usr/lib/rabbitmq/bin"), Path("/opt/rabbitmq/sbin"))
STOP_SECONDS = 60
EPMD_SECONDS = 20
POLL_SECONDS = 0.1
MAX_SHOWN = 300  # characters of a line


@dataclass(frozen=True)
class Process:
    """A process of ours; `born` tells it from a later one that got the same number."""

    pid: int
    born: str


@dataclass(frozen=True)
class Node:
    """The private node as it was started."""

    node: Process
    epmd: Process
    amqp_port: int
    management_port: int


def prepare(*, yes: bool) -> None:
    """See to it that rabbitmq-server is here, offering to install it; raises ways.Unavailable."""
    if server_script():
        return
    try:
        packages.install("rabbitmq-server", "to run a broker without Docker", yes=yes)
    except packages.NotInstalled as reason:
        raise Unavailable(str(reason)) from None


def server_script() -> Path | None:
    """RabbitMQ's start script, the one that any user may run."""
    for folder in SCRIPT_FOLDERS:
        if (folder / "rabbitmq-server").is_file():
            return folder / "rabbitmq-server"
    found = shutil.which("rabbitmq-server")
    return Path(found) if found else None


def port() -> int | None:
    """The AMQP port of our node if it runs, else None."""
    node = recorded()
    return node.amqp_port if node and is_alive(node.node) else None


def start() -> None:
    """Start the node and return when it answers; raises click.ClickException where it does not come up.

    It goes on when the terminal is closed, and does not hear Ctrl-C.
    """
    if running_at := port():
        raise click.ClickException(
            f"the private node runs at port {running_at} already: type `export AMQP_PORT={running_at}` "
            f"to use it, or `{typed('broker.py down')}` first"
        )
    start_at(address.amqp_port(), address.management_port())


def start_at(amqp_port: int, management_port: int) -> None:
    """Start the node on these ports."""
    clear_remains()
    write_configuration(amqp_port, management_port)
    started = launch_node(amqp_port, management_port)
    try:
        with quietly.Clock(f"starting {NAME} ...") as clock:
            readiness.wait(amqp_port, management_port, clock, ended=lambda: started.poll() is not None)
    except readiness.NotReady:
        quietly.say("\n".join(last_lines(20)))
        stop()
        raise click.ClickException(
            f"the private node did not start: its last words are above, and in {LOG}"
        ) from None
    except KeyboardInterrupt:
        stop()
        raise


def launch_node(amqp_port: int, management_port: int) -> subprocess.Popen:
    """Launch epmd and the node, and note them; returns the node at once, long before it answers."""
    epmd_port, distribution_port = ports.free(2)
    environ = node_environment(epmd_port, distribution_port)
    epmd = launch([epmd_program(), "-address", "127.0.0.1", "-port", str(epmd_port)], environ)
    try:
        # A node that finds no epmd starts one itself, which nobody would know of and nobody would stop.
        wait_for_epmd(epmd, epmd_port)
        node = launch([str(server_script())], environ)
        record(Node(identified(node), identified(epmd), amqp_port, management_port))
    except (KeyboardInterrupt, click.ClickException):
        epmd.terminate()
        raise
    return node


def wait_for_epmd(epmd: subprocess.Popen, port: int) -> None:
    """Return when the port mapper listens; raises click.ClickException where it does not come up."""
    deadline = time.monotonic() + EPMD_SECONDS
    while not ports.is_answered(port):
        if epmd.poll() is not None or time.monotonic() > deadline:
            raise click.ClickException(f"Erlang's epmd does not start: see the end of {LOG}, then try again")
        time.sleep(POLL_SECONDS)


def stop() -> None:
    """Stop the node as RabbitMQ wants to be stopped, and its epmd; nothing of it is left running."""
    node = recorded()
    if node:
        end(node.node)
        end(node.epmd)
    STATE.unlink(missing_ok=True)


def restart() -> None:
    """Stop and start again on the same ports; durable queues and persistent messages stay."""
    node = recorded()
    stop()
    start_at(node.amqp_port, node.management_port)


def log_command(*, follow: bool) -> list[str]:
    """The command that shows the node's log."""
    return ["tail", "-n", "100", *(["-F"] if follow else []), str(LOG)]


def clear_remains() -> None:
    """What a killed node leaves: its epmd, which would go on for ever."""
    if STATE.exists():
        stop()


def write_configuration(amqp_port: int, management_port: int) -> None:
    """Write the node's configuration files into `.broker/`."""
    (HOME / "conf.d").mkdir(parents=True, exist_ok=True)
    (HOME / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{amqp_port}\n"
        "management.tcp.ip = 127.0.0.1\n"
        f"management.tcp.port = {management_port}\n"
    )
    (HOME / "enabled_plugins").write_text("[rabbitmq_management].\n")
    # The node is called ...@localhost: it must not depend on how, or whether, the system resolves that.
    (HOME / "inetrc").write_text('{host, {127,0,0,1}, ["localhost"]}.\n{lookup, [file, native]}.\n')


def node_environment(epmd_port: int, distribution_port: int) -> dict[str, str]:
    """The environment that keeps the node to `.broker/` and to loopback."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RABBITMQ_", "ERL_")) and name != "NOTIFY_SOCKET"
    }
    return inherited | {
        "HOME": str(HOME),
        "RABBITMQ_NODENAME": "rabbit-holes@localhost",
        "RABBITMQ_MNESIA_BASE": str(HOME / "data"),
        "RABBITMQ_LOG_BASE": str(HOME / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_CONFIG_FILE": str(HOME / "rabbitmq.conf"),
        # Else what stands in /etc/rabbitmq for the system's own broker would hold for this one, too.
        "RABBITMQ_CONFIG_FILES": str(HOME / "conf.d"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(HOME / "advanced.config"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(HOME / "enabled_plugins"),
        "RABBITMQ_PID_FILE": str(HOME / "pid"),
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "ERL_INETRC": str(HOME / "inetrc"),
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        # The start script then becomes the node: one process, and its number is known from the start.
        "RUNNING_UNDER_SYSTEMD": "true",
    }


def epmd_program() -> str:
    """The path of Erlang's port mapper; raises click.ClickException where it is missing."""
    found = shutil.which("epmd")
    if not found:
        raise click.ClickException("epmd is missing, which comes with Erlang: install Erlang again")
    return found


def launch(command: list[str], environ: dict[str, str]) -> subprocess.Popen:
    """Start a process that outlives us and our terminal; what it says goes to the log."""
    with LOG.open("a") as log:
        return subprocess.Popen(
            command,
            cwd=HOME,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def identified(process: subprocess.Popen) -> Process:
    """The process as it can be found again by another run."""
    return Process(process.pid, born(process.pid) or "ended at once")


def born(pid: int) -> str | None:
    """When the process with this number began, in a form to compare; None if there is none that runs."""
    if not sys.platform.startswith("linux"):
        listed = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
        return listed.stdout.strip() or None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, began = fields[0], fields[19]
    return None if state in "ZX" else began


def is_alive(process: Process) -> bool:
    """Whether it is that very process that still runs."""
    return born(process.pid) == process.born


def end(process: Process) -> None:
    """End a process of ours: asked first, killed if it does not go within a minute."""
    for order in (signal.SIGTERM, signal.SIGKILL):
        if not is_alive(process):
            return
        os.kill(process.pid, order)
        wait_for_end(process)


def wait_for_end(process: Process) -> None:
    """Wait until the process is gone, but not for ever."""
    deadline = time.monotonic() + STOP_SECONDS
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def record(node: Node) -> None:
    """Note the node for later runs."""
    STATE.write_text(json.dumps(asdict(node)))


def recorded() -> Node | None:
    """The node that was started last and not stopped; it may have died since."""
    try:
        noted = json.loads(STATE.read_text())
        return Node(Process(**noted.pop("node")), Process(**noted.pop("epmd")), **noted)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def last_lines(count: int) -> list[str]:
    """The end of the node's log, without what is too long to be read."""
    return [line[:MAX_SHOWN] for line in LOG.read_text(errors="replace").splitlines()[-count:]]
