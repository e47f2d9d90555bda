"""A topic exchange for what happens in the shop, and a queue for each service that hears of orders."""

from pika.adapters.blocking_connection import BlockingChannel

EXCHANGE = "lesson06.events"
BILLING = "lesson06.billing"
SHIPPING = "lesson06.shipping"


def declare(channel: BlockingChannel, queue: str) -> None:
    """Create the exchange, a service's queue and its binding where they are not there yet."""
    channel.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)
    channel.queue_declare(queue, durable=True)
    channel.queue_bind(queue, EXCHANGE, routing_key="order.created")
