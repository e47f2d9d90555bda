"""The shop: it takes orders at a terminal, and says what happened in events. It knows of no broker."""

import select
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from io import RawIOBase
from itertools import count

import click

LOOK_SECONDS = 0.1
WITHOUT_MONEY = "Mallory"


def orders(wait: Callable[[float], None]) -> Iterator[tuple[str, str]]:
    """Ask for customers until Ctrl-D; yield the id of each order, and whose it is.

    `wait(seconds)` is called again and again while nobody types.
    """
    with open(0, "rb", buffering=0, closefd=False) as keyboard:
        for number in count(1):
            order_id = f"A-{number:04}"
            if not (typed := answer(f"customer of {order_id}: ", keyboard, wait)):
                return
            yield order_id, typed.strip() or "Somebody"


def answer(question: str, keyboard: RawIOBase, wait: Callable[[float], None]) -> str:
    """The line that is typed in answer, with its end; empty after Ctrl-D."""
    click.echo(question, nl=False, err=True)
    line = b""
    try:
        while not select.select([keyboard], [], [], 0)[0]:
            wait(LOOK_SECONDS)
        line = keyboard.readline()
    finally:
        if not line:
            click.echo(err=True)  # what is said next gets a line of its own
    return line.decode(errors="replace")


def events_of(order_id: str, customer: str) -> list[dict]:
    """What happens to an order, in the order in which it happens."""
    order = {"order_id": order_id, "customer": customer, "amount_cents": 29_999}
    outcome = "payment.failed" if customer == WITHOUT_MONEY else "payment.completed"
    return [event("order.created", order), event(outcome, {"order_id": order_id, "amount_cents": 29_999})]


def event(kind: str, data: dict) -> dict:
    """Put what is to be said into the envelope that all events have."""
    return {
        "id": str(uuid.uuid4()),
        "type": kind,
        "source": "shop",
        "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": data,
    }
