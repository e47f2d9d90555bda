"""Exercise 07, solved: what will never be shipped is rejected, what may be shipped later comes again."""

import json
import sqlite3

import click
from connection import connect
from shipping import CannotShip, schedule_shipment
from shipping_queues import ORDERS, declare

NO_ORDER = (ValueError, KeyError, TypeError, RecursionError)


@click.command()
def main() -> None:
    """Schedule shipments until Ctrl-C.

    Example: python solution.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            channel.basic_qos(prefetch_count=1)
            for method, _properties, body in channel.consume(ORDERS):
                try:
                    order = json.loads(body)["data"]
                    schedule_shipment(order)
                except (*NO_ORDER, CannotShip) as error:
                    click.echo(f"to the dead letters: {error!r}")
                    channel.basic_reject(method.delivery_tag, requeue=False)
                    continue
                channel.basic_ack(method.delivery_tag)
                click.echo(f"scheduled {order['order_id']}")
    except sqlite3.Error as error:
        # Not acknowledged: whoever starts us again gives the order another chance.
        raise click.ClickException(f"An order is not scheduled: {error}; start again.") from error
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
