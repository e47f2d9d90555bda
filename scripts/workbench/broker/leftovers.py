"""What lessons left on a broker: queues and exchanges named after a lesson, and vhosts made for one."""

import re
from dataclasses import dataclass
from urllib.parse import quote

import click
import pika
from pika.exceptions import AMQPError, ChannelClosedByBroker

from workbench import address
from workbench.amqp import open_connection
from workbench.bench.judge import Exercise
from workbench.broker import probe
from workbench.guard import delete_names
from workbench.lessons import all_lessons
from workbench.management import (
    UNAUTHORIZED,
    Management,
    ManagementError,
    delete_vhost,
    of_this_broker,
    vhost_names,
)

KINDS = ("queue", "exchange", "vhost")
LESSONS_OWN = re.compile(r"lesson\d\d\.")
# As the guard has them made for a check, and for a page that is played.
OWN_VHOST = re.compile(r"check-[0-9a-f]{12}|lesson\d\d-[0-9a-f]{8}")


@dataclass(frozen=True)
class Leftover:
    """A queue or an exchange of a lesson, or a vhost that was made for one."""

    kind: str
    name: str


def find(url: str, lesson: str | None = None) -> list[Leftover]:
    """Those in the URL's vhost, of one lesson ("02") or of all; raises click.ClickException.

    Whoever the management API refuses is told of those that the lessons' exercises use.
    """
    try:
        return listed(url, lesson)
    except ManagementError as error:
        if error.status != UNAUTHORIZED:
            raise
        return known(url, lesson)


def listed(url: str, lesson: str | None) -> list[Leftover]:
    """All that the management API lists; raises ManagementError."""
    management = of_this_broker(url)
    vhost = quote(address.vhost_of(url), safe="")
    return [
        Leftover(kind, each["name"])
        for kind in ("queue", "exchange")
        for each in management.get(f"{kind}s/{vhost}?columns=name")
        if LESSONS_OWN.match(each["name"]) and each["name"].startswith(f"lesson{lesson}." if lesson else "")
    ]


def known(url: str, lesson: str | None) -> list[Leftover]:
    """Those of the lessons' exercises that are there, found without the management API."""
    exercises = [Exercise(each) for each in all_lessons() if lesson in (None, each.number)]
    candidates = [
        *(Leftover("queue", name) for exercise in exercises for name in exercise.queues),
        *(Leftover("exchange", name) for exercise in exercises for name in exercise.exchanges),
    ]
    with open_connection(probe.parsed(url)) as connection:
        return [each for each in dict.fromkeys(candidates) if is_there(connection, each)]


def is_there(connection: pika.BlockingConnection, leftover: Leftover) -> bool:
    """Whether the broker has it, and lets this user at it."""
    channel = connection.channel()
    declare = channel.queue_declare if leftover.kind == "queue" else channel.exchange_declare
    try:
        declare(leftover.name, passive=True)
    except ChannelClosedByBroker:
        return False
    channel.close()
    return True


def find_vhosts(url: str, lesson: str | None = None) -> list[Leftover]:
    """The vhosts made for checks and pages to which nobody is connected now; raises ManagementError.

    Of one lesson ("02") only those in which its page was played: a check's name tells no lesson.
    """
    management = of_this_broker(url)
    in_use = {each.get("vhost") for each in management.get("connections?columns=vhost")}
    return [
        Leftover("vhost", name)
        for name in sorted(vhost_names(management))
        if OWN_VHOST.fullmatch(name)
        and name not in in_use
        and name.startswith(f"lesson{lesson}-" if lesson else "")
    ]


def remove(url: str, leftovers: list[Leftover]) -> None:
    """Delete them, with the messages in them; what has gone in the meantime is no error.

    Raises click.ClickException where the broker refuses.
    """
    names = {kind: [each.name for each in leftovers if each.kind == kind] for kind in KINDS}
    try:
        delete_names(url, names["queue"], names["exchange"])
    except AMQPError as error:
        raise click.ClickException(
            f"the broker did not remove all of it ({error!r}): mend that, then type this again"
        ) from error
    for vhost in names["vhost"]:
        delete_vhost(Management.of(url), vhost)
