"""The shipping service's work: a shipment is a row in a ledger that outlives the program."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

LEDGER = os.environ.get("LEDGER", "shipments.sqlite")
WAIT_SECONDS = 30


def open_ledger() -> sqlite3.Connection:
    """Open it. Each statement is a transaction of its own, except in `with transaction(ledger)`."""
    ledger = sqlite3.connect(LEDGER, timeout=WAIT_SECONDS, isolation_level=None)
    ledger.execute("CREATE TABLE IF NOT EXISTS shipments (order_id TEXT NOT NULL)")
    return ledger


@contextmanager
def transaction(ledger: sqlite3.Connection) -> Iterator[None]:
    """What is written in this block is on disk together at its end, or none of it ever is."""
    with ledger:
        ledger.execute("BEGIN IMMEDIATE")  # whoever comes second waits here, before it has looked
        yield


def schedule_shipment(ledger: sqlite3.Connection, order_id: str) -> None:
    """Schedule one. Raises sqlite3.Error where that cannot be done."""
    ledger.execute("INSERT INTO shipments (order_id) VALUES (?)", (order_id,))
