"""Exercise 05: one of several copies of the shipping service, which share a queue and keep nobody waiting."""

import json

import click
from connection import connect
from shipping import schedule_shipment
from topology import declare

QUEUE = "lesson05.shipping"


@click.command()
def main() -> None:
    """Schedule shipments, beside other copies of this program, until Ctrl-C.

    Example: python exercise.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel, QUEUE)
            # TODO: this copy keeps what others could ship, and loses what it holds when it dies.
            for _method, _properties, body in channel.consume(QUEUE, auto_ack=True):
                order_id = json.loads(body)["data"]["order_id"]
                schedule_shipment(order_id)
                click.echo(f"scheduled {order_id}")
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
