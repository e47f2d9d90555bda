"""Book a truck for each order while the carrier is down, and see what waiting for it costs."""

import json
import time

import click
from booking import CarrierDown, book_truck
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel
from retrying import ANSWERS, PARKED_IT, Answer, Delivery, park
from topology import BOOKING, declare

NO_ORDER = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
BOOKED = "booked"


def order_in(body: bytes) -> str:
    """Read a message: the order's id. Raises one of NO_ORDER where it is none that can be printed."""
    order_id = json.loads(body)["data"]["order_id"]
    order_id.encode()
    return order_id


def deal_with(channel: BlockingChannel, delivery: Delivery, answer: Answer) -> str:
    """Book a truck, or give the answer to a failure; what became of the order, in words."""
    method, _properties, body = delivery
    try:
        order_id = order_in(body)
        book_truck(order_id)
    except NO_ORDER:
        # No try will cure it (lesson 07).
        return f"{body[:20]!r} is no order; {park(channel, delivery)}"
    except CarrierDown as error:
        return f"{order_id}: {error}; {answer(channel, delivery)}"
    channel.basic_ack(method.delivery_tag)
    return f"{order_id}: {BOOKED}"


@click.command()
@click.option(
    "--answer", type=click.Choice([*ANSWERS]), default="levels", show_default=True, help="To failures."
)
@click.option("--limit", type=click.IntRange(min=1), help="Stop when so many are done.  [default: never]")
@click.option("--calls", type=click.IntRange(min=1), help="Stop after so many calls.  [default: never]")
@click.option("--quiet", is_flag=True, help="Say only how it ended.")
def main(answer: str, limit: int | None, calls: int | None, quiet: bool) -> None:
    """Book a truck for each order.

    Example: python consumer.py --answer levels --limit 2
    """
    done = made = 0
    began = time.monotonic()
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            channel.confirm_delivery()
            channel.basic_qos(prefetch_count=1)
            click.echo("waiting for orders; Ctrl-C to stop", err=True)
            for delivery in channel.consume(BOOKING):
                became = deal_with(channel, delivery, ANSWERS[answer])
                if not quiet:
                    click.echo(became)
                made += 1
                done += became.endswith((BOOKED, PARKED_IT))
                if done == limit or made == calls:
                    break
            else:
                raise click.ClickException(
                    f"Somebody deleted {BOOKING}; start again with: python consumer.py"
                )
    except KeyboardInterrupt:
        click.echo("stopped; what is not acknowledged goes back to the queue", err=True)
        return
    seconds = time.monotonic() - began
    click.echo(f"{done} done; {made} calls in {seconds:.1f} s, {made / seconds:,.0f}/s", err=True)


if __name__ == "__main__":
    main()
