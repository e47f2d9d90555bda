"""Which broker it is: the one that AMQP_URL names, one that answers already, or one of our own."""

import os
from dataclasses import dataclass
from types import ModuleType
from urllib.parse import urlsplit

import click

from workbench import address, ports, quietly
from workbench.broker import compose, native, probe
from workbench.broker.ways import Unavailable
from workbench.environment import one_at_a_time
from workbench.management import LOOPBACK

# In the order of choice. Each module has prepare(), port(), start(), stop(), restart() and log_command().
OWN_WAYS: dict[str, ModuleType] = {compose.WAY: compose, native.WAY: native}
# To find out which one runs: the private node is noted in a file, Docker has to be asked.
LOOKED_AT = (native, compose)

GIVEN = "given"
FOUND = "found"
WORDS = {
    GIVEN: "named by AMQP_URL",
    FOUND: "not started by this project",
    compose.WAY: f"this project's own, in {compose.NAME}",
    native.WAY: f"this project's own, {native.NAME}",
}


@dataclass(frozen=True)
class Broker:
    """A broker that answers: where, whose (`given`, `found`, `docker` or `native`), and what it said."""

    url: str
    way: str
    answer: probe.Answer
    was_up: bool = True

    @property
    def is_own(self) -> bool:
        """Whether this project started it."""
        return self.way in OWN_WAYS

    @property
    def words(self) -> str:
        """Whose it is, in words."""
        return WORDS[self.way]


def current() -> Broker:
    """The broker that commands use now; raises probe.NoAnswer where it does not answer."""
    url = address.broker_url()
    answer = probe.ask(url)
    return Broker(url, way_of(url), answer)


def way_of(url: str) -> str:
    """Whose the broker at this URL is; one that AMQP_URL names is not looked into, and Docker may fail."""
    if os.environ.get("AMQP_URL"):
        return GIVEN
    try:
        module = own_at(url)
    except click.ClickException:
        return FOUND
    return module.WAY if module else FOUND


def ensure_up(*, way: str | None = None, yes: bool = False, verbose: bool = False) -> Broker:
    """The broker to use, started first where none answers; `was_up` tells whether that was needed.

    In this order: AMQP_URL, what answers at the default URL, Docker Compose, a private node (for which
    rabbitmq-server is offered; `yes` takes the consent as given). `way` ("docker" or "native") leaves no
    choice. Raises click.ClickException with a sentence.
    """
    if os.environ.get("AMQP_URL"):
        if way:
            raise click.UsageError(
                "AMQP_URL names a broker already: unset it to start one of our own with --way"
            )
        return current()
    with one_at_a_time("another script is starting the broker"):
        return already_up(way) or started(way, yes=yes, verbose=verbose)


def already_up(way: str | None) -> Broker | None:
    """What answers at the default URL; raises click.ClickException if something else holds the port."""
    try:
        broker = current()
    except probe.NoAnswer as silence:
        if silence.port_is_free:
            return None
        raise click.ClickException(taken(silence)) from None
    if way and broker.way != way:
        raise click.ClickException(
            f"port {address.amqp_port()} is taken by a broker {broker.words}: {move('AMQP_PORT')}"
        )
    return broker


def taken(silence: probe.NoAnswer) -> str:
    """One sentence for a port that something holds which does not let us in."""
    return f"{silence.message}; or, for one of our own, {move('AMQP_PORT')}"


def move(variable: str) -> str:
    """How to have another port."""
    return f"type `export {variable}=...` with a free port"


def started(way: str | None, *, yes: bool, verbose: bool) -> Broker:
    """A broker of our own, by the first way that can be had; raises click.ClickException where none can."""
    refuse_taken_management_port()
    reasons = []
    for module in [OWN_WAYS[way]] if way else OWN_WAYS.values():
        try:
            module.prepare(yes=yes)
        except Unavailable as reason:
            reasons.append(str(reason))
            if verbose:
                quietly.say(f"not by {module.NAME}: {reason}")
        else:
            module.start()
            return Broker(address.broker_url(), module.WAY, probe.ask(address.broker_url()), was_up=False)
    raise click.ClickException("; ".join(reasons))


def refuse_taken_management_port() -> None:
    """Raise click.ClickException where something listens already at the port of the management page."""
    port = address.management_port()
    if ports.is_answered(port):
        raise click.ClickException(
            f"port {port}, for the management page, is taken: {move('MANAGEMENT_PORT')}"
        )


def own() -> ModuleType | None:
    """The way by which a broker of our own runs now; None where none runs.

    Where AMQP_URL is set only a broker there counts. Raises click.ClickException if it is not ours, and where
    AMQP_URL cannot be read.
    """
    if url := os.environ.get("AMQP_URL"):
        probe.parsed(url)
        return own_at(url) or refuse_foreign(url)
    return own_at(address.broker_url()) or next((module for module in LOOKED_AT if module.port()), None)


def own_at(url: str) -> ModuleType | None:
    """The way by which a broker of our own runs at this URL; click.ClickException where Docker fails."""
    parts = urlsplit(url)
    if parts.hostname not in LOOPBACK:
        return None
    port = parts.port or address.DEFAULT_AMQP_PORT
    return next((module for module in LOOKED_AT if module.port() == port), None)


def refuse_foreign(url: str) -> None:
    """Raise: what AMQP_URL names is not ours to stop."""
    raise click.ClickException(
        f"this project did not start the broker that AMQP_URL names ({address.hidden(url)}): "
        "stop it the way it was started, or unset AMQP_URL to mean the project's own"
    )


def somebody_answers() -> bool:
    """Whether a broker lets us in at the URL that commands use."""
    try:
        probe.ask(address.broker_url())
    except probe.NoAnswer:
        return False
    return True
