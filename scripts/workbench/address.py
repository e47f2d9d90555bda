"""Where the broker is: AMQP_URL, or the default that Docker and the private node listen on.

Standard library only: it is read before anything is installed.
"""

import os
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit, urlunsplit

DEFAULT_AMQP_PORT = 5672
DEFAULT_MANAGEMENT_PORT = 15672


def amqp_port(environ: Mapping[str, str] = os.environ) -> int:
    """The port at which a broker of this project listens for AMQP (AMQP_PORT, else 5672)."""
    return int(environ.get("AMQP_PORT", DEFAULT_AMQP_PORT))


def management_port(environ: Mapping[str, str] = os.environ) -> int:
    """The port of the management page and its HTTP API (MANAGEMENT_PORT, else 15672)."""
    return int(environ.get("MANAGEMENT_PORT", DEFAULT_MANAGEMENT_PORT))


def broker_url(environ: Mapping[str, str] = os.environ) -> str:
    """The AMQP URL that every command uses: AMQP_URL where it is set, else the default one."""
    return environ.get("AMQP_URL") or f"amqp://guest:guest@localhost:{amqp_port(environ)}/%2F"


def management_url(environ: Mapping[str, str] = os.environ) -> str:
    """The management page of that broker, by convention on the same host at port 15672; no password in it."""
    host = urlsplit(broker_url(environ)).hostname or "localhost"
    return f"http://{host}:{management_port(environ)}"


def with_vhost(url: str, vhost: str) -> str:
    """The same broker and user, another vhost."""
    return urlunsplit(urlsplit(url)._replace(path="/" + quote(vhost, safe="")))


def vhost_of(url: str) -> str:
    """The vhost that an AMQP URL names; `/` where it names none."""
    return unquote(urlsplit(url).path.removeprefix("/")) or "/"


def hidden(url: str) -> str:
    """The URL as it may be shown: with `***` for the password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:***@{host}"))
