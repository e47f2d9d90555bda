"""Exercise 08: for some orders there is no truck yet, and for some there never will be."""

import json
import sqlite3

import click
import pika
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel
from shipping import schedule_shipment
from shipping_queues import ORDERS, PARKED, WAITS_MS, declare, wait_queue


def try_later(channel: BlockingChannel, method, properties: pika.BasicProperties, body: bytes) -> None:
    """Let the order wait 200 ms, then 400, then 800; park it when it has failed a fourth time."""
    # TODO: here it is tried again at once, for ever, and all others wait.
    channel.basic_reject(method.delivery_tag, requeue=True)


@click.command()
def main() -> None:
    """Schedule shipments until Ctrl-C.

    Example: python exercise.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            channel.basic_qos(prefetch_count=1)
            for method, properties, body in channel.consume(ORDERS):
                order = json.loads(body)["data"]
                try:
                    schedule_shipment(order)
                except sqlite3.Error:
                    try_later(channel, method, properties, body)
                    continue
                channel.basic_ack(method.delivery_tag)
                click.echo(f"scheduled {order['order_id']}")
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
