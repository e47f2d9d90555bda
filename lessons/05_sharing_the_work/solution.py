"""Exercise 05, solved: one order in the hands of each copy, acknowledged when it is shipped."""

import json

import click
from connection import connect
from shipping import schedule_shipment
from topology import declare

QUEUE = "lesson05.shipping"


@click.command()
def main() -> None:
    """Schedule shipments, beside other copies of this program, until Ctrl-C.

    Example: python solution.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel, QUEUE)
            # A copy that is stuck keeps one order, and the others go on with the rest.
            channel.basic_qos(prefetch_count=1)
            for method, _properties, body in channel.consume(QUEUE):
                order_id = json.loads(body)["data"]["order_id"]
                schedule_shipment(order_id)
                channel.basic_ack(method.delivery_tag)
                click.echo(f"scheduled {order_id}")
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
