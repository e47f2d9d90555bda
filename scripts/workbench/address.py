"""Where the broker is: AMQP_URL, or the default that Docker and the private node listen on.

Standard library only: it is read before anything is installed.
"""

import os
import socket
import sys
from collections.abc import Mapping
from functools import cache
from urllib.parse import quote, unquote, urlsplit, urlunsplit

DEFAULT_AMQP_PORT = 5672
DEFAULT_MANAGEMENT_PORT = 15672
UNCLEAR_MANAGEMENT_URL = (
    "MANAGEMENT_URL cannot be read: write it as http://USER:PASSWORD@HOST:15672, with %2F for a / in a "
    "password, or unset it"
)


def amqp_port(environ: Mapping[str, str] = os.environ) -> int:
    """The port at which a broker of this project listens for AMQP (AMQP_PORT, else 5672)."""
    return port("AMQP_PORT", DEFAULT_AMQP_PORT, environ)


def management_port(environ: Mapping[str, str] = os.environ) -> int:
    """The port of the management page and its HTTP API (MANAGEMENT_PORT, else 15672)."""
    return port("MANAGEMENT_PORT", DEFAULT_MANAGEMENT_PORT, environ)


def port(name: str, default: int, environ: Mapping[str, str]) -> int:
    """The port that a variable holds; exits with a sentence where it is none."""
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        sys.exit(f"{name} is {text!r}, which is no port: set it to a number from 1 to 65535, or unset it")
    return int(text)


def broker_url(environ: Mapping[str, str] = os.environ) -> str:
    """The AMQP URL that every command uses: AMQP_URL where it is set, else the default one."""
    return environ.get("AMQP_URL") or f"amqp://guest:guest@{this_machine()}:{amqp_port(environ)}/%2F"


@cache
def this_machine() -> str:
    """`localhost`; or its number, where a bare container or chroot does not know that name."""
    try:
        socket.getaddrinfo("localhost", None)
    except socket.gaierror:
        return "127.0.0.1"
    return "localhost"


def management_url(environ: Mapping[str, str] = os.environ) -> str:
    """The management page of that broker: MANAGEMENT_URL where it is set, else on the same host, port 15672.

    There is no password in it. Exits with a sentence where MANAGEMENT_URL cannot be read.
    """
    if given := environ.get("MANAGEMENT_URL"):
        return without_user(given).rstrip("/") if is_page(given) else sys.exit(UNCLEAR_MANAGEMENT_URL)
    host = urlsplit(broker_url(environ)).hostname or this_machine()
    return f"http://{f'[{host}]' if ':' in host else host}:{management_port(environ)}"


def without_user(url: str) -> str:
    """The URL without a user and a password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def with_vhost(url: str, vhost: str) -> str:
    """The same broker and user, another vhost."""
    return urlunsplit(urlsplit(url)._replace(path="/" + quote(vhost, safe="")))


def vhost_of(url: str) -> str:
    """The vhost that an AMQP URL names; `/` where it names none."""
    return unquote(urlsplit(url).path.removeprefix("/")) or "/"


def is_clear(url: str) -> bool:
    """Whether it can be read, and beyond doubt what in it is the password.

    A `/`, `#` or `?` in a password, where it is not percent-encoded, ends what a URL says of the host.
    """
    try:
        parts = urlsplit(url)
        _number = parts.port  # looked at only here: ValueError where it is none
    except ValueError:
        return False
    return "@" in parts.netloc or "@" not in url


def is_page(url: str) -> bool:
    """Whether it is clear, and the address of a page."""
    return is_clear(url) and urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)


def hidden(url: str) -> str:
    """The URL as it may be shown: `***` for the password and options, for all of it where it is not clear."""
    if not is_clear(url):
        return "***"
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    name, colon, _password = user.partition(":")
    shown = parts._replace(
        netloc=f"{name}{':***' if colon else ''}{at}{host}",
        path="/***" if "@" in parts.path else parts.path,
        query="***" if parts.query else "",
        fragment="",
    )
    return urlunsplit(shown)
