"""Exercise 08, solved: an order that fails waits, longer each time, and is parked in the end."""

import json
import sqlite3

import click
import pika
from connection import connect
from pika import exceptions as amqp
from pika.adapters.blocking_connection import BlockingChannel
from shipping import schedule_shipment
from shipping_queues import ORDERS, PARKED, WAITS_MS, declare, wait_queue

FAILURES = "failures"
NO_ORDER = (ValueError, KeyError, TypeError, RecursionError)


def try_later(channel: BlockingChannel, method, properties: pika.BasicProperties, body: bytes) -> None:
    """Let the order wait 200 ms, then 400, then 800; park it when it has failed a fourth time."""
    headers = properties.headers or {}
    failures = int(headers.get(FAILURES, 0))
    target = wait_queue(WAITS_MS[failures]) if failures < len(WAITS_MS) else PARKED
    properties.headers = {FAILURES: failures + 1}
    move(channel, method, properties, body, target)


def move(
    channel: BlockingChannel, method, properties: pika.BasicProperties, body: bytes, target: str
) -> None:
    """Publish the order there, and acknowledge it here when it is safe."""
    channel.basic_publish("", target, body, properties, mandatory=True)
    channel.basic_ack(method.delivery_tag)


@click.command()
def main() -> None:
    """Schedule shipments until Ctrl-C.

    Example: python solution.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            channel.confirm_delivery()
            channel.basic_qos(prefetch_count=1)
            for method, properties, body in channel.consume(ORDERS):
                try:
                    order = json.loads(body)["data"]
                    schedule_shipment(order)
                except NO_ORDER:
                    move(channel, method, properties, body, PARKED)  # no try will cure it (lesson 07)
                    continue
                except sqlite3.Error:
                    try_later(channel, method, properties, body)
                    continue
                channel.basic_ack(method.delivery_tag)
                click.echo(f"scheduled {order['order_id']}")
    except (amqp.UnroutableError, amqp.NackError) as error:
        # Not acknowledged: started again, we get the order again.
        raise click.ClickException("An order has nowhere to wait; start again.") from error
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
