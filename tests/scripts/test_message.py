"""What is read from a message's body, which any program may have written."""

import pytest
from workbench.message import event_in, order_in, type_in


@pytest.mark.parametrize(
    ("body", "order"),
    [
        (b'{"order_id": "A-0001"}', "A-0001"),
        (b'{"id": "x", "data": {"order_id": "A-0001"}}', "A-0001"),
        (b'{"order_id": 17, "data": {}}', "17"),
        (b'{"order_id": "A-0001", "data": "none"}', "A-0001"),
        (b'{"order_id": null, "data": {"order_id": ["A-0001"]}}', ""),
        (b'{"data": {"customer": "Bob"}}', ""),
        (b'["order_id"]', ""),
        (b"hello", ""),
        (b"\xff\xfe", ""),
        (b"", ""),
        (None, ""),
    ],
)
def test_order_that_a_message_is_about(body: bytes | None, order: str) -> None:
    assert order_in(body) == order


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"type": "order.created", "data": {}}', "order.created"),
        (b'{"type": 1}', ""),
        (b"[]", ""),
        (None, ""),
    ],
)
def test_type_of_a_message(body: bytes | None, kind: str) -> None:
    assert type_in(body) == kind


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (b'{"type": "trip.started", "sequence": 3}', "trip.started (3)"),
        (b'{"type": "order.created", "data": {}}', "order.created"),
        (b'{"type": "order.created", "sequence": "3"}', "order.created"),
        (b'{"type": "order.created", "sequence": true}', "order.created"),
        (b'{"sequence": 3}', ""),
        (None, ""),
    ],
)
def test_event_that_a_message_tells(body: bytes | None, event: str) -> None:
    assert event_in(body) == event
