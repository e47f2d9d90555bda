"""The broker's management API over HTTP: small JSON calls, and a vhost to throw away."""

import base64
import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

import click
import pika
from pika.exceptions import ChannelClosedByBroker, ProbableAccessDeniedError

from workbench import address
from workbench.amqp import open_connection
from workbench.typed import typed

EVERYTHING = {"configure": ".*", "write": ".*", "read": ".*"}
UNAUTHORIZED, NOT_FOUND, BROKEN_DOWN = 401, 404, 500
VHOSTS = "vhosts?columns=name"
MAX_TRIES = 20
AGAIN_SECONDS = 0.1
ANSWERS, REFUSES, SILENT = "answers", "refuses", "silent"
REMOVE_VHOSTS = "broker.py reset --vhosts"
GUEST = ("guest", "guest")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ManagementError(click.ClickException):
    """A call to the management API failed.

    `status` is the HTTP status, None where nothing answered, `answer` the JSON object that came with it.
    """

    def __init__(self, sentence: str, status: int | None = None, answer: dict | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.answer = answer or {}


class Management:
    """The management API at `url`, as a user: `Management.of(broker_url).get("overview")`."""

    def __init__(self, url: str, user: str, password: str, timeout: float = 10) -> None:
        self.url = url
        self.user = user
        self.timeout = timeout  # seconds for each call
        self._authorization = basic_authorization(user, password)
        self._opener = opener_for(url)

    @classmethod
    def of(cls, broker_url: str, timeout: float = 10) -> "Management":
        """The API of the broker that an AMQP URL names, as MANAGEMENT_URL's user, else as the AMQP URL's."""
        environ = os.environ | {"AMQP_URL": broker_url}
        url = address.management_url(environ)
        user, password = credentials(environ.get("MANAGEMENT_URL") or "") or credentials(broker_url) or GUEST
        return cls(url, user, password, timeout)

    def get(self, path: str) -> Any:
        """What the API has at `/api/` + `path`; raises ManagementError."""
        return self._call("GET", path)

    def put(self, path: str, body: object = None) -> Any:
        """Put `body` as JSON there; raises ManagementError."""
        return self._call("PUT", path, {} if body is None else body)

    def delete(self, path: str) -> Any:
        """Delete what is there; raises ManagementError, with status 404 where there is nothing."""
        return self._call("DELETE", path)

    def answers(self) -> bool:
        """Whether the API answers this user at all."""
        return self.state() == ANSWERS

    def state(self) -> str:
        """Whether the API answers, refuses this user, or is silent: one of these words."""
        try:
            self.get("whoami")
        except ManagementError as error:
            return REFUSES if error.status == UNAUTHORIZED else SILENT
        return ANSWERS

    def _call(self, method: str, path: str, body: object = None) -> Any:
        request = Request(
            f"{self.url}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": self._authorization, "Content-Type": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=self.timeout) as response:
                text = response.read()
            return json.loads(text) if text else None
        except HTTPError as error:
            with error:
                answer = answer_in(error)
            raise ManagementError(self._refusal(error, path, answer), error.code, answer) from None
        except HTTPException:
            raise ManagementError(self._silence("what listens there does not speak HTTP")) from None
        except (URLError, OSError, ValueError) as error:
            raise ManagementError(self._silence(getattr(error, "reason", error))) from None

    def _refusal(self, error: HTTPError, path: str, answer: dict) -> str:
        if error.code == UNAUTHORIZED:
            return (
                f"the management API at {self.url} refuses the user {self.user}: "
                "give AMQP_URL or MANAGEMENT_URL a user with the tag `management`, and its password"
            )
        why = answer.get("reason", error.reason)
        return f"the management API at {self.url} refuses /api/{path}: {error.code}, {why}"

    def _silence(self, why: object) -> str:
        return (
            f"no management API answers at {self.url} ({why}): enable the plugin "
            "rabbitmq_management on that broker, or set MANAGEMENT_URL to where its page is"
        )


def credentials(url: str) -> tuple[str, str] | None:
    """The user and the password in a URL; None where it names no user."""
    parts = urlsplit(url)
    return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


def basic_authorization(user: str, password: str) -> str:
    """The HTTP header's value for this user."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def opener_for(url: str) -> OpenerDirector:
    """An opener that keeps to the machine itself for a loopback address: no proxy could reach that."""
    return build_opener(ProxyHandler({})) if urlsplit(url).hostname in LOOPBACK else build_opener()


def answer_in(error: HTTPError) -> dict:
    """The JSON object that the API sends with a refusal; empty where it is none."""
    try:
        answer = json.loads(error.read())
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


@contextmanager
def throwaway_vhost(broker_url: str, prefix: str) -> Iterator[str]:
    """Yield the AMQP URL of a fresh vhost, all of it permitted to the URL's user, and delete it afterwards.

    Also deleted on errors and on Ctrl-C; one that cannot be is told on stderr. Raises ManagementError where
    the user may not make one.
    """
    management = Management.of(broker_url)
    name = f"{prefix}-{secrets.token_hex(4)}"
    try:
        make_vhost(broker_url, name)
        yield address.with_vhost(broker_url, name)
    finally:
        clear_vhosts(management, [name], typed(REMOVE_VHOSTS))


def of_this_broker(broker_url: str) -> Management:
    """The management API, proven to be this broker's: it knows a queue that was declared there just now.

    Where MANAGEMENT_URL is not set, its address is a guess. Raises ManagementError.
    """
    management = Management.of(broker_url)
    name = f"lesson-proof-{secrets.token_hex(6)}"
    with open_connection(pika.URLParameters(broker_url)) as connection:
        try:
            connection.channel().queue_declare(name, exclusive=True)
            management.get(f"queues/{quote(address.vhost_of(broker_url), safe='')}/{name}")
        except ChannelClosedByBroker as error:
            raise ManagementError(
                f"the broker lets this user declare no queue ({error.reply_text}): ask for rights on names"
                " that begin with `lesson`"
            ) from None
        except ManagementError as error:
            raise (of_another_broker(management) if error.status == NOT_FOUND else error) from None
    return management


def of_another_broker(management: Management) -> ManagementError:
    """The error that says so."""
    return ManagementError(
        f"the management API at {management.url} is another broker's: set MANAGEMENT_URL to where this"
        " broker's page is"
    )


def vhost_names(management: Management) -> set[str]:
    """The names of all vhosts that this user may see; raises ManagementError.

    RabbitMQ 4.0 answers 500 (`function_clause` in its log) while one of them is being deleted: then it is
    asked again, at most MAX_TRIES times in all.
    """
    for _ in range(MAX_TRIES - 1):
        try:
            return named(management.get(VHOSTS))
        except ManagementError as error:
            if error.status != BROKEN_DOWN:
                raise
        time.sleep(AGAIN_SECONDS)
    return named(management.get(VHOSTS))


def named(listed: Sequence[dict]) -> set[str]:
    """The names in a list of the API's, in which a vhost that is just being deleted has none."""
    return {each["name"] for each in listed if "name" in each}


def make_vhost(broker_url: str, name: str) -> None:
    """Make a vhost in which the URL's user may do everything; raises ManagementError."""
    management = Management.of(broker_url)
    user, _password = credentials(broker_url) or GUEST
    management.put(f"vhosts/{quote(name, safe='')}")
    management.put(f"permissions/{quote(name, safe='')}/{quote(user, safe='')}", EVERYTHING)
    try:
        open_connection(pika.URLParameters(address.with_vhost(broker_url, name))).close()
    except ProbableAccessDeniedError:
        raise of_another_broker(management) from None


def delete_vhost(management: Management, name: str) -> None:
    """Delete a vhost with all that is in it; nothing to do where its making had failed."""
    try:
        management.delete(f"vhosts/{quote(name, safe='')}")
    except ManagementError as error:
        if error.status != NOT_FOUND:
            raise


def clear_vhosts(management: Management, names: Sequence[str], later: str) -> None:
    """Delete these vhosts; where that fails, say on stderr which, why, and what removes them `later`."""
    causes = {name: cause for name in names if (cause := why_left(management, name))}
    if causes:
        host, why = urlsplit(management.url).hostname, " and ".join(set(causes.values()))
        click.echo(
            f"vhosts may be left on {host}, where {why} ({', '.join(causes)}): "
            f"remove them later with `{later}`",
            err=True,
        )


def why_left(management: Management, name: str) -> str:
    """Delete a vhost; why that failed, empty where it did not."""
    try:
        delete_vhost(management, name)
    except ManagementError as error:
        refused = f"the management API refused to delete them with {error.status}"
        return refused if error.status else "no management API answers"
    return ""
