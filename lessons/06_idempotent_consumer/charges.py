"""Take money: from an account in our own books, or from a card, at somebody else's payment gateway."""

import http.client
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

LEDGER = os.environ.get("LEDGER", "billing.sqlite")
WAIT_SECONDS = 30
SCHEMA = """
CREATE TABLE IF NOT EXISTS charges (order_id TEXT NOT NULL, amount_cents INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS handled (event_id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
"""
RECORD = "INSERT OR IGNORE INTO handled VALUES (?, ?)"
GATEWAY = Path("gateway.url")


class NoAnswer(Exception):
    """The payment gateway did not say that it took the money, which it may have done all the same."""


def open_ledger(path: str = LEDGER) -> sqlite3.Connection:
    """Open our books. Each statement is a transaction of its own, except in `with transaction(ledger)`."""
    ledger = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
    ledger.executescript(SCHEMA)
    return ledger


@contextmanager
def transaction(ledger: sqlite3.Connection) -> Iterator[None]:
    """What is written in this block is on disk together at its end, or none of it ever is."""
    with ledger:
        ledger.execute("BEGIN IMMEDIATE")  # whoever comes second waits here, before it has looked
        yield


def charge_account(ledger: sqlite3.Connection, event: dict) -> None:
    """Write the charge into our books."""
    order = event["data"]
    ledger.execute("INSERT INTO charges VALUES (?, ?)", (order["order_id"], order["amount_cents"]))


def charge_card(event: dict, key: str | None = None) -> None:
    """Have the gateway charge the card; with a key it does so once, however often it is asked.

    Raises NoAnswer where it does not answer that this is done.
    """
    headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
    try:
        gateway = urlsplit(GATEWAY.read_text(encoding="utf-8")).netloc
        connection = http.client.HTTPConnection(gateway, timeout=WAIT_SECONDS)
        connection.request("POST", "/charges", json.dumps(event["data"]), headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer("no payment gateway answers") from error
    if status != http.HTTPStatus.CREATED:
        raise NoAnswer(f"what answers at {gateway} is no gateway, or refuses the order ({status})")


def charging(ledger: sqlite3.Connection, card: bool, with_key: bool) -> Callable[[dict], None]:
    """What takes the money for an event: our books, or the card."""
    if not card:
        return lambda event: charge_account(ledger, event)
    return lambda event: charge_card(event, event["id"] if with_key else None)


def is_recorded(ledger: sqlite3.Connection, event: dict) -> bool:
    """Whether the dedupe table has this event."""
    return bool(ledger.execute("SELECT 1 FROM handled WHERE event_id = ?", (event["id"],)).fetchone())


def record(ledger: sqlite3.Connection, event: dict) -> bool:
    """Put the event into the dedupe table; False where it is there already."""
    return ledger.execute(RECORD, (event["id"], int(time.time()))).rowcount == 1
