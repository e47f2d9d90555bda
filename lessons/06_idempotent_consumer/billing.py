"""Six ways to charge for an event that may come more than once. Nothing here knows of a broker."""

import sqlite3
from collections.abc import Callable

import click
from charges import is_recorded, record, transaction


class Billing:
    """Each way deals with one event, and returns whether it charged; `take_money` must happen once."""

    def __init__(self, ledger: sqlite3.Connection, take_money: Callable[[dict], None]) -> None:
        self.ledger = ledger
        self.take_money = take_money
        self.seen: set[str] = set()

    def charge(self, event: dict) -> None:
        """Take the money for an order."""
        click.echo(f"charging {event['data']['order_id']}")
        self.take_money(event)

    def naive(self, event: dict) -> bool:
        """Charge each time."""
        self.charge(event)
        return True

    def memory(self, event: dict) -> bool:
        """Remember in the program, as long as it lives."""
        if event["id"] in self.seen:
            return False
        self.charge(event)
        self.seen.add(event["id"])
        return True

    def record_last(self, event: dict) -> bool:
        """Remember in a table, when the charge is made. Two transactions: it can die between them."""
        if is_recorded(self.ledger, event):
            return False
        self.charge(event)
        record(self.ledger, event)
        return True

    def record_first(self, event: dict) -> bool:
        """Remember in a table, before the charge is made. Two transactions again."""
        if not record(self.ledger, event):
            return False
        self.charge(event)
        return True

    def same_transaction(self, event: dict) -> bool:
        """The same lines, in one transaction: both are on disk, or neither is."""
        with transaction(self.ledger):
            return self.record_first(event)

    def idempotency_key(self, event: dict) -> bool:
        """Charge each time, and leave it to the gateway to do so once: it gets the event's id."""
        self.charge(event)
        return True


WAYS = {
    "naive": Billing.naive,
    "memory": Billing.memory,
    "record-last": Billing.record_last,
    "record-first": Billing.record_first,
    "transaction": Billing.same_transaction,
    "key": Billing.idempotency_key,
}
