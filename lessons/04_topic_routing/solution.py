"""Exercise 04, solved: a queue of its own, bound for what is shipped; the type decides, then the work."""

import json

import click
from connection import connect
from shipping import schedule_shipment
from topology import declare_exchange, declare_queue

REASONS_TO_SHIP = ["payment.completed", "order.gifted"]


@click.command()
def main() -> None:
    """Schedule shipments until Ctrl-C.

    Example: python solution.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare_exchange(channel)
            queue = declare_queue(channel, "shipping", REASONS_TO_SHIP)
            for method, _properties, body in channel.consume(queue):
                event = json.loads(body)
                # What an older binding brings is not for us: only the envelope is known to be there.
                if event["type"] in REASONS_TO_SHIP:
                    order_id = event["data"]["order_id"]
                    schedule_shipment(order_id)
                    click.echo(f"scheduled {order_id}")
                channel.basic_ack(method.delivery_tag)
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
