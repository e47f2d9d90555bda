"""Book a truck with the carrier: another firm's service, and sometimes down."""

import json
import os
import urllib.error
import urllib.request

CARRIER = os.environ.get("CARRIER", "http://127.0.0.1:8008")
# Without a bound of its own a call to a service that hangs would hang with it.
MAX_SECONDS = 5


class CarrierDown(Exception):
    """The carrier cannot be asked now; later it may."""


def book_truck(order_id: str) -> None:
    """Return when a truck is booked. Raises CarrierDown."""
    body = json.dumps({"order_id": order_id}).encode()
    try:
        with urllib.request.urlopen(f"{CARRIER}/bookings", data=body, timeout=MAX_SECONDS):
            return
    except OSError as error:  # no answer, or one that says no: urllib's errors are all of this kind
        raise CarrierDown(getattr(error, "reason", error)) from error
