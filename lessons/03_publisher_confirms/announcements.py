"""What the shipping service of exercise 03 listens to, and where it announces what it has done."""

from pika.adapters.blocking_connection import BlockingChannel

ORDERS = "lesson03.shipping"
SHIPMENT_SCHEDULED = "shipment.scheduled"
ANNOUNCEMENTS = "lesson03.announcements"


def declare(channel: BlockingChannel) -> None:
    """Create what this service owns. Who wants to hear its announcements binds a queue to the exchange."""
    channel.queue_declare(ORDERS, durable=True)
    channel.exchange_declare(ANNOUNCEMENTS, exchange_type="direct", durable=True)
