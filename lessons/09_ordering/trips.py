"""Where each trip is: a row in a ledger that outlives the program, in exercise 09."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

LEDGER = os.environ.get("LEDGER", "trips.sqlite")
QUEUE = "lesson09.trips"
WAIT_SECONDS = 30
SCHEMA = "CREATE TABLE IF NOT EXISTS trips (order_id TEXT PRIMARY KEY, state TEXT, sequence INTEGER)"


def open_ledger() -> sqlite3.Connection:
    """Open it. Each statement is a transaction of its own, except in `with transaction(ledger)`."""
    ledger = sqlite3.connect(LEDGER, timeout=WAIT_SECONDS, isolation_level=None)
    ledger.execute(SCHEMA)
    return ledger


@contextmanager
def transaction(ledger: sqlite3.Connection) -> Iterator[None]:
    """What is written in this block is on disk together at its end, or none of it ever is."""
    with ledger:
        ledger.execute("BEGIN IMMEDIATE")  # whoever comes second waits here, before it has looked
        yield


def trip(ledger: sqlite3.Connection, order_id: str) -> tuple[str, int] | None:
    """The state of a trip and the number of the event that it comes from; None where there is none yet."""
    query = "SELECT state, sequence FROM trips WHERE order_id = ?"
    return ledger.execute(query, (order_id,)).fetchone()


def write(ledger: sqlite3.Connection, order_id: str, state: str, sequence: int) -> None:
    """Write where a trip is now. Raises sqlite3.Error where that cannot be done."""
    ledger.execute("INSERT OR REPLACE INTO trips VALUES (?, ?, ?)", (order_id, state, sequence))
