"""Book a truck with the carrier: another firm's service, and sometimes down."""

import json
import os
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path

# carrier.py takes a free port, and leaves its address here.
ADDRESS = Path("carrier.url")
# Without a bound of its own a call to a service that hangs would hang with it.
MAX_SECONDS = 5
# A proxy that http_proxy names for the world outside would not find what listens on this machine.
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# Nobody listens there, who does speaks no HTTP, or that is no address: none of it is the order's fault.
NO_ANSWER = (OSError, HTTPException, ValueError)


class CarrierDown(Exception):
    """The carrier cannot be asked now; later it may."""


def carrier() -> str:
    """The carrier's address: what CARRIER says, else what carrier.py has left. Raises CarrierDown."""
    try:
        return os.environ.get("CARRIER") or ADDRESS.read_text(encoding="utf-8")
    except OSError as error:
        raise CarrierDown("no carrier is here (start it with: python carrier.py)") from error


def book_truck(order_id: str) -> None:
    """Return when a truck is booked. Raises CarrierDown."""
    body = json.dumps({"order_id": order_id}).encode()
    url = f"{carrier()}/bookings"
    try:
        with DIRECTLY.open(url, data=body, timeout=MAX_SECONDS):
            return
    except urllib.error.HTTPError as error:
        raise CarrierDown(error.reason) from error
    except NO_ANSWER as error:
        raise CarrierDown("the carrier does not answer") from error
