"""Exercise 04: ship what is paid or given away, and nothing else, whoever listens beside you."""

import json

import click
from connection import connect
from shipping import schedule_shipment
from topology import declare_exchange, declare_queue


@click.command()
def main() -> None:
    """Schedule shipments until Ctrl-C.

    Example: python exercise.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare_exchange(channel)
            # TODO: this service ships every order that is placed. Ship those that are paid
            # (payment.completed) or given away (order.gifted), and let be what else may be in the queue.
            queue = declare_queue(channel, "shipping", ["order.created"])
            for method, _properties, body in channel.consume(queue):
                order_id = json.loads(body)["data"]["order_id"]
                schedule_shipment(order_id)
                channel.basic_ack(method.delivery_tag)
                click.echo(f"scheduled {order_id}")
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
