"""The shipping service's work: a shipment is a row in a ledger that outlives the program."""

import os
import sqlite3
from contextlib import closing

LEDGER = os.environ.get("LEDGER", "shipments.sqlite")
SERVED = {"France", "Italy", "Spain"}


class CannotShip(Exception):
    """No truck goes there, today or tomorrow."""


def schedule_shipment(order: dict) -> None:
    """Schedule one; when this returns it is on disk.

    Raises CannotShip where no truck ever goes, and sqlite3.Error where none is to be had just now; KeyError,
    TypeError or ValueError where this is no order. What cannot even be read never gets here.
    """
    order_id, country = order["order_id"], order["country"]
    if not isinstance(order_id, str):
        # SQLite would refuse it with an error that looks as if another try could help.
        raise TypeError(f"order_id is {order_id!r}")
    if country not in SERVED:
        raise CannotShip(f"no truck goes to {country}")
    with closing(sqlite3.connect(LEDGER)) as ledger, ledger:
        ledger.execute("CREATE TABLE IF NOT EXISTS shipments (order_id TEXT NOT NULL)")
        ledger.execute("INSERT INTO shipments (order_id) VALUES (?)", (order_id,))
