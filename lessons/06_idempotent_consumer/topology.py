"""A topic exchange for what happens in the shop, and the queue in which billing hears of orders."""

from pika.adapters.blocking_connection import BlockingChannel

EXCHANGE = "lesson06.events"
QUEUE = "lesson06.billing"


def declare(channel: BlockingChannel) -> None:
    """Create exchange, queue and binding where they are not there yet."""
    channel.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)
    channel.queue_declare(QUEUE, durable=True)
    channel.queue_bind(QUEUE, EXCHANGE, routing_key="order.created")
