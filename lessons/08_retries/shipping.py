"""The shipping service's work: a shipment is a row in a ledger that outlives the program."""

import os
import sqlite3
from contextlib import closing

LEDGER = os.environ.get("LEDGER", "shipments.sqlite")


def schedule_shipment(order: dict) -> None:
    """Schedule one; when this returns it is on disk. Raises sqlite3.Error where no truck is to be had now."""
    with closing(sqlite3.connect(LEDGER)) as ledger, ledger:
        ledger.execute("CREATE TABLE IF NOT EXISTS shipments (order_id TEXT NOT NULL)")
        ledger.execute("INSERT INTO shipments (order_id) VALUES (?)", (order["order_id"],))
