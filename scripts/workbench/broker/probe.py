"""Asks whether a broker answers at an AMQP URL, and says in one sentence why it does not."""

import os
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import click
import pika
from pika.exceptions import AMQPConnectionError, ProbableAccessDeniedError, ProbableAuthenticationError

from workbench import address
from workbench.amqp import NeverOpened, open_connection
from workbench.typed import typed

PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
FRAME_END = b"\xce"
END_OF_REPR = "'\")"
MAX_GREETING = 64 * 1024  # bytes; RabbitMQ's is under 1 KB


@dataclass(frozen=True)
class Answer:
    """A broker that let us in: what it is, and the seconds from the first byte to an open connection."""

    product: str
    version: str
    seconds: float


class NoAnswer(click.ClickException):
    """No broker let us in; `error` is what happened, None where the URL itself was wrong."""

    def __init__(self, sentence: str, error: Exception | None = None) -> None:
        super().__init__(sentence)
        self.error = error

    @property
    def port_is_free(self) -> bool:
        """Whether nothing listens there, so that a broker of our own could."""
        return isinstance(self.error, ConnectionRefusedError)


def ask(url: str, timeout: float = 5) -> Answer:
    """Log in to the broker at `url` and out again; raises NoAnswer with the cause and what to type next."""
    parameters = parsed(url, timeout)
    began = time.monotonic()
    with translated(url, parameters):
        properties = greeting(parameters)
        open_connection(parameters).close()
    return Answer(
        product=str(properties.get("product", "an AMQP broker")),
        version=str(properties.get("version", "?")),
        seconds=time.monotonic() - began,
    )


def parsed(url: str, timeout: float = 5) -> pika.URLParameters:
    """What pika makes of the URL: one attempt, at most `timeout` seconds for each step of it.

    Raises NoAnswer where it cannot be read.
    """
    if address.is_clear(url) and urlsplit(url).scheme not in ("amqp", "amqps"):
        raise NoAnswer(f"AMQP_URL does not begin with amqp:// or amqps://: {how_to_write_it()}")
    try:
        parameters = pika.URLParameters(url) if address.is_clear(url) else None
    except (ValueError, TypeError, IndexError, OSError):
        parameters = None  # the error's own text can hold a part of the password
    if parameters is None:
        raise NoAnswer(f"AMQP_URL cannot be read: {how_to_write_it()}")
    parameters.connection_attempts = 1
    parameters.socket_timeout = timeout
    parameters.stack_timeout = 2 * timeout
    parameters.blocked_connection_timeout = timeout
    return parameters


def how_to_write_it() -> str:
    """How an AMQP URL is written."""
    return "write it as amqp://USER:PASSWORD@HOST:5672/VHOST, with %2F for a / in one of them, or unset it"


class NotAmqp(Exception):
    """What listens there spoke, or hung up, but not in AMQP 0-9-1."""


class Silent(NotAmqp):
    """What listens there took the connection and then said nothing."""


def greeting(parameters: pika.URLParameters) -> dict:
    """The server properties that a broker tells anybody before the login; raises NotAmqp or OSError."""
    where = (parameters.host, parameters.port)
    plain = socket.create_connection(where, timeout=parameters.socket_timeout)
    with plain, secured(plain, parameters) as stream:
        stream.sendall(PROTOCOL_HEADER)
        received = read_frame(stream)
    _consumed, frame = pika.frame.decode_frame(received)
    if not isinstance(getattr(frame, "method", None), pika.spec.Connection.Start):
        raise NotAmqp
    return frame.method.server_properties


def secured(plain: socket.socket, parameters: pika.URLParameters) -> socket.socket:
    """The socket itself, or TLS over it where the URL says amqps."""
    if parameters.ssl_options is None:
        return plain
    name = parameters.ssl_options.server_hostname or parameters.host
    return parameters.ssl_options.context.wrap_socket(plain, server_hostname=name)


def read_frame(stream: socket.socket) -> bytes:
    """The first AMQP frame; raises NotAmqp where something else arrives."""
    received = b""
    while not (received.startswith(b"\x01") and received.endswith(FRAME_END)):
        try:
            piece = stream.recv(4096)
        except TimeoutError:
            raise Silent from None
        received += piece
        if not piece or not received.startswith(b"\x01") or len(received) > MAX_GREETING:
            raise NotAmqp
    return received


@contextmanager
def translated(url: str, parameters: pika.URLParameters) -> Iterator[None]:
    """Turn every way to fail into a NoAnswer of one sentence."""
    try:
        yield
    except (OSError, UnicodeError, NotAmqp, AMQPConnectionError) as error:
        where = f"{parameters.host}:{parameters.port}"
        raise NoAnswer(cause(error, url, where, parameters), error) from None


def cause(error: Exception, url: str, where: str, parameters: pika.URLParameters) -> str:
    """The sentence: what is wrong, and what to type next."""
    match error:
        case socket.gaierror() | UnicodeError():  # the second where no host could be called so
            remedy = "correct AMQP_URL (the name of a Compose service is known inside Compose only)"
            return f"no host is called {parameters.host}: {remedy}"
        case ConnectionRefusedError():
            return f"nothing listens at {where}: {start_it()}"
        case TimeoutError():
            return f"{where} cannot be reached within {parameters.socket_timeout:g} s: {start_it()}"
        case ssl.SSLCertVerificationError():
            remedy = "set SSL_CERT_FILE to the certificate of the authority that signed it"
            return f"the certificate of {where} is not trusted ({error.verify_message}): {remedy}"
        case ssl.SSLError() | ConnectionResetError() | NotAmqp() if parameters.ssl_options:
            remedy = "write amqp:// in AMQP_URL instead of amqps://, or its port for TLS (5671)"
            return f"what listens at {where} does not speak AMQP over TLS: {remedy}"
        case NotAmqp() | ConnectionResetError():
            return f"what listens at {where} does not answer in AMQP: {another_port(parameters.port)}"
        case ProbableAuthenticationError():
            remedy = "correct them in AMQP_URL (guest may come from the broker's own machine only)"
            return f"the broker at {where} refuses this user and password: {remedy}"
        case ProbableAccessDeniedError() if "limit (" in str(error):
            why = str(error).partition("NOT_ALLOWED - ")[2].rstrip(END_OF_REPR)
            return f"the broker at {where} lets nobody else in ({why}): end a connection first"
        case ProbableAccessDeniedError():
            remedy = (
                "correct the end of AMQP_URL (the vhost / is written %2F), or make it on the management page"
            )
            return f"the broker at {where} has no vhost {address.vhost_of(url)} for this user: {remedy}"
        case NeverOpened():
            seconds = f"{parameters.stack_timeout:g} s"
            return f"the broker at {where} lets nobody in within {seconds}: read its log, or restart it"
        case AMQPConnectionError():
            return f"the broker at {where} ended the connection ({error!r}): read its log"
    return f"cannot reach {where} ({error}): {start_it()}"


def start_it() -> str:
    """What to type where no broker runs."""
    if os.environ.get("AMQP_URL"):
        return f"start that broker, or unset AMQP_URL and type `{typed('broker.py up')}`"
    return f"type `{typed('broker.py up')}`"


def another_port(port: int) -> str:
    """Which port may have been meant."""
    if port == address.management_port():
        return f"that is the management page, give AMQP_URL the port {address.amqp_port()}"
    if port == 5671:
        return "that is the port for TLS, write amqps:// in AMQP_URL"
    return "give AMQP_URL the broker's port for AMQP (5672), and amqps:// if it wants TLS"
