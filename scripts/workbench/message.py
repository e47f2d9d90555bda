"""What a message's body says of itself: the order that it is about, and what has happened."""

import json
from collections.abc import Mapping


def order_in(body: bytes | None) -> str:
    """The id of the order that a message is about; empty where it names none.

    It is in the message itself or, where that is an envelope, in its data.
    """
    message = _mapping_in(body)
    for place in (message, message.get("data")):
        if isinstance(place, Mapping) and isinstance(place.get("order_id"), (str, int)):
            return str(place["order_id"])
    return ""


def name_in(body: bytes) -> str:
    """What a journey calls a message: the order that it names, or what it says where it names none."""
    return order_in(body) or body.decode(errors="replace")


def type_in(body: bytes | None) -> str:
    """What has happened, such as `order.created`; empty where the message does not say it."""
    kind = _mapping_in(body).get("type")
    return kind if isinstance(kind, str) else ""


def event_in(body: bytes | None) -> str:
    """What has happened, and its number if the message has one, as `trip.started (3)`."""
    sequence = _mapping_in(body).get("sequence")
    numbered = isinstance(sequence, int) and not isinstance(sequence, bool)
    return f"{type_in(body)} ({sequence})" if numbered and type_in(body) else type_in(body)


def _mapping_in(body: bytes | None) -> Mapping:
    try:
        message = json.loads(body or b"")
    except ValueError:
        return {}
    return message if isinstance(message, Mapping) else {}
