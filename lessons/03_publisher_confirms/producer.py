"""Place orders and know: an order counts as placed when the broker has confirmed it, never before."""

import json
import time
from collections import deque

import click
import pika
from connection import NoBroker, connect
from pika import exceptions as amqp
from pika.adapters.blocking_connection import BlockingChannel
from topology import EXCHANGE, KEY, declare

PAUSES_SECONDS = [0.5, 1, 2, 4]


def place_whatever_happens(orders: deque[dict], exchange: str, key: str) -> None:
    """Connect again, a bounded number of times, until every order is confirmed."""
    for pause in PAUSES_SECONDS:
        try:
            place(orders, exchange, key)
            return
        except NoBroker:
            # The broker may have the first of them, and only its confirm was lost: then it has two now.
            click.echo(f"no broker; {len(orders)} orders unconfirmed, again in {pause} s", err=True)
            time.sleep(pause)
    place(orders, exchange, key)


def place(orders: deque[dict], exchange: str, key: str) -> None:
    """Publish the orders, each of which leaves the deque when it is confirmed."""
    with connect() as connection:
        channel = connection.channel()
        declare(channel)
        # From here on each publish waits for the broker's word, which costs a round trip: lesson 16.
        channel.confirm_delivery()
        while orders:
            publish(channel, orders[0], exchange, key)
            click.echo(f"placed {orders.popleft()['order_id']}")


def publish(channel: BlockingChannel, order: dict, exchange: str, key: str) -> None:
    """Return when the order is safe in a queue; otherwise say why it is not."""
    # Persistent: the order is on disk before it is confirmed, and outlives a restart of the broker.
    properties = pika.BasicProperties(
        content_type="application/json", delivery_mode=pika.DeliveryMode.Persistent
    )
    try:
        # Mandatory: without it the broker confirms even what it threw away, for want of a queue.
        channel.basic_publish(exchange, key, json.dumps(order).encode(), properties, mandatory=True)
    except amqp.UnroutableError as error:
        raise click.ClickException(
            f"{order['order_id']} was not placed: no queue gets {key!r} from {exchange}; correct the key."
        ) from error
    except amqp.NackError as error:
        raise click.ClickException(
            f"{order['order_id']} is not confirmed: a queue is full, or could not store it; run this again."
        ) from error


@click.command()
@click.option("--count", type=click.IntRange(min=1), default=3, show_default=True, help="Orders to place.")
@click.option("--exchange", default=EXCHANGE, show_default=True, help="Where to publish.")
@click.option("--key", default=KEY, show_default=True, help="The routing key.")
def main(count: int, exchange: str, key: str) -> None:
    """Place orders; what is not confirmed is published again, under the same id.

    Example: python producer.py --count 3
    """
    orders = deque(
        {"type": "order.created", "order_id": f"A-{number:04}", "amount_cents": 29_999}
        for number in range(1, count + 1)
    )
    try:
        place_whatever_happens(orders, exchange, key)
    except KeyboardInterrupt:
        unsure = f"{len(orders)} orders are not confirmed: the broker may have the first of them"
        click.echo(f"stopped; {unsure}", err=True)


if __name__ == "__main__":
    main()
