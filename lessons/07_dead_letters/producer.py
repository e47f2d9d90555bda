"""Place orders, some of which nobody can pack."""

import json

import click
import pika
from connection import connect
from messages import publish
from packing import order_created
from pika.adapters.blocking_connection import BlockingChannel
from topology import PACKING, QUORUM, declare

GARBAGE = b"3 boxes, please"


def place(channel: BlockingChannel, queue: str, order_id: str, boxes: int | str = 1) -> None:
    """Publish one order; return when it is safe in the queue."""
    event = order_created(order_id, boxes)
    properties = pika.BasicProperties(
        content_type="application/json", delivery_mode=2, message_id=event["id"], type=event["type"]
    )
    publish(channel, queue, json.dumps(event).encode(), properties)


@click.command()
@click.option("--count", type=click.IntRange(min=0), default=3, show_default=True, help="Orders to place.")
@click.option("--bad", type=click.IntRange(min=1), help="This order says `two` where it should say 2.")
@click.option("--garbage", is_flag=True, help="At last, send a message that is no order at all.")
@click.option("--quorum", is_flag=True, help="Place them in the quorum queue.")
def main(count: int, bad: int | None, garbage: bool, quorum: bool) -> None:
    """Place orders, numbered from A-0001.

    Example: python producer.py --count 3 --bad 1
    """
    queue = QUORUM if quorum else PACKING
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            channel.confirm_delivery()
            for number in range(1, count + 1):
                place(channel, queue, f"A-{number:04}", "two" if number == bad else 1)
                click.echo(f"placed A-{number:04}")
            if garbage:
                publish(channel, queue, GARBAGE, pika.BasicProperties(delivery_mode=2))
                click.echo("sent something that is no order")
    except KeyboardInterrupt:
        click.echo("stopped; what is placed stays placed", err=True)


if __name__ == "__main__":
    main()
