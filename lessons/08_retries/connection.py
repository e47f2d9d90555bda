"""The connection to the broker, the same file in every lesson: what fails there is told in one sentence."""

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import click
import pika
from pika import exceptions as amqp
from pika.adapters.utils.connection_workflow import AMQPConnectorException

DEFAULT_URL = "amqp://guest:guest@localhost:5672/%2F"
SHUTTING_DOWN = 320
QUOTES = "'\""
MAX_BLOCKED_SECONDS = 30
SEE_STATUS = "see how it is, in the project's folder: python3 scripts/broker.py status"
# What to do where these words stand in what the broker said.
WHAT_TO_DO = {
    "ACCESS_REFUSED": "ask for rights on names that begin with `lesson`.",
    "NOT_FOUND": "correct the name, or start first the end that creates it.",
    "inequivalent arg": "if an older run left it, remove it, in the project's folder:"
    " python3 scripts/broker.py reset",
    "delivery tag": "acknowledge each delivery once, on the channel that got it, and none with auto_ack.",
    "message size": "keep what is large elsewhere, and send where it is.",
}


class NoBroker(click.ClickException):
    """Nothing answers in AMQP there, or not any more; it may do so later."""


@contextmanager
def connect() -> Iterator[pika.BlockingConnection]:
    """Connect to the broker that AMQP_URL names, until the end of the `with` block."""
    broker = broker_address()
    try:
        connection = opened(broker)
        yield connection
        # Not reached after an error or Ctrl-C, which may have struck in the middle of pika's work: then the
        # connection ends with the process, and the broker takes back all that was not acknowledged.
        connection.close()
    except (amqp.AMQPConnectionError, amqp.AMQPChannelError, socket.gaierror, ssl.SSLError) as error:
        raise in_a_sentence(error, broker) from error


def broker_address() -> pika.URLParameters:
    """What AMQP_URL says, or the broker on this machine."""
    try:
        broker = pika.URLParameters(os.environ.get("AMQP_URL") or DEFAULT_URL)
        broker.host.encode("idna")  # as is done when it is looked up; raises a ValueError
    except OSError as error:
        raise click.ClickException(
            f"AMQP_URL names a certificate or key that cannot be read ({error.strerror}); correct its"
            " ssl_options."
        ) from error
    except (ValueError, IndexError, SyntaxError, TypeError) as error:
        raise click.ClickException(
            "AMQP_URL is not of the form amqp://user:password@host:5672/vhost; in user, password and vhost"
            " write / as %2F and @ as %40."
        ) from error
    if broker.blocked_connection_timeout is None:
        # While the broker is short of memory or disk, whoever publishes would wait without a word.
        broker.blocked_connection_timeout = MAX_BLOCKED_SECONDS
    return broker


def opened(broker: pika.URLParameters) -> pika.BlockingConnection:
    """The connection itself; what fails is always one of pika's AMQP errors, or one of the system's."""
    try:
        return pika.BlockingConnection(broker)
    except (AMQPConnectorException, ValueError) as error:
        # What listens there took the connection, and then said nothing, or hung up at once.
        raise amqp.IncompatibleProtocolError(str(error)) from error


def in_a_sentence(error: Exception, broker: pika.URLParameters) -> click.ClickException:
    """Say what went wrong, and what to do about it."""
    place = f"{broker.host}:{broker.port}"
    user = broker.credentials.username
    match error:
        case socket.gaierror():
            return click.ClickException(f"No machine is called {broker.host}; correct the host in AMQP_URL.")
        case ssl.SSLError():
            return click.ClickException(
                f"TLS with {place} failed ({error.reason}); without TLS AMQP_URL is amqp:// and port 5672."
            )
        case amqp.ProbableAuthenticationError():
            return click.ClickException(
                f"{place} refuses user {user} with this password; correct AMQP_URL"
                " (guest is let in from the broker's own machine only)."
            )
        case amqp.ProbableAccessDeniedError() if "limit (" in str(error):
            _error, _code, why = error.args[0].partition("NOT_ALLOWED - ")
            return click.ClickException(
                f"{place} refuses one more connection of user {user} ({why.rstrip(QUOTES)}); end another one."
            )
        case amqp.ProbableAccessDeniedError():
            return click.ClickException(
                f"{place} has no vhost {broker.virtual_host} for user {user}; correct the end of AMQP_URL"
                " (%2F is the vhost /)."
            )
        case amqp.IncompatibleProtocolError():
            return NoBroker(
                f"{place} does not answer in AMQP: its broker is still starting, or hangs, or AMQP_URL needs"
                " another port (5672, or 5671 with amqps://)."
            )
        case amqp.ConnectionBlockedTimeout():
            return click.ClickException(
                f"The broker at {place} takes no messages, being short of memory or disk; {SEE_STATUS}"
            )
        case amqp.ChannelClosedByBroker() | amqp.ConnectionClosedByBroker():
            said = error.reply_text
            advice = next((advice for words, advice in WHAT_TO_DO.items() if words in said), SEE_STATUS)
            is_over = NoBroker if error.reply_code == SHUTTING_DOWN else click.ClickException
            return is_over(f"The broker said {said}; {advice}")
        case amqp.UnroutableError():
            return click.ClickException(
                "No queue is bound for a message, so the broker gave it back (lesson 03); start first the end"
                " that declares its queue."
            )
        case amqp.NackError():
            return click.ClickException(
                "The broker refuses a message: a queue is full, or could not store it (lesson 03); have"
                " somebody consume from it, then run this again."
            )
        case amqp.AMQPChannelError():
            return click.ClickException(
                "The broker closed the channel, and nothing here read why; publisher confirms do: lesson 03."
            )
    return NoBroker(
        f"No broker answers at {place}; start one, in the project's folder: python3 scripts/broker.py up"
    )
