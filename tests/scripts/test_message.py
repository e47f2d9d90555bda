"""What is read from a message's body, which any program may have written."""

import pytest
from workbench.message import order_in


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
