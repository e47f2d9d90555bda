"""What an order is, and how one is packed. Nothing here knows that there is a broker."""

import json
from datetime import datetime, timezone

NUMBERS = {"one": 1, "two": 2, "three": 3}


class CannotPack(Exception):
    """This order cannot be packed, now or later; the message says why."""


def order_created(order_id: str, boxes: int | str = 1) -> dict:
    """The event, in its envelope. Its id is made of what happened: said twice, it is the same."""
    return {
        "id": f"order.created/{order_id}",
        "type": "order.created",
        "source": "shop",
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "data": {"order_id": order_id, "boxes": boxes, "amount_cents": 29_999},
    }


def order_in(body: bytes) -> dict:
    """Read a message. Raises CannotPack where it is no order: reading it again would not help."""
    try:
        order = json.loads(body)["data"]
        order["order_id"].encode()  # half a character could be read, but not printed
        return {"order_id": order["order_id"], "boxes": order["boxes"]}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CannotPack(f"no order: {body[:20]!r}") from error


def pack(order: dict, mended: bool = False) -> str:
    """Pack an order; a `mended` packer knows numbers that are written out. Raises CannotPack."""
    boxes = order["boxes"]
    if mended and isinstance(boxes, str):
        boxes = NUMBERS.get(boxes, boxes)
    if not isinstance(boxes, int):
        raise CannotPack(f"boxes is {boxes!r}")
    return f"packed {order['order_id']}"
