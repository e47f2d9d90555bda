"""A direct exchange, and the one queue that is bound to it."""

from pika.adapters.blocking_connection import BlockingChannel

EXCHANGE = "lesson03.orders"
KEY = "order.created"
QUEUE = "lesson03.packing"


def declare(channel: BlockingChannel) -> None:
    """Create exchange, queue and binding where they are not there yet."""
    channel.exchange_declare(EXCHANGE, exchange_type="direct", durable=True)
    channel.queue_declare(QUEUE, durable=True)
    channel.queue_bind(QUEUE, EXCHANGE, routing_key=KEY)
