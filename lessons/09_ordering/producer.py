"""Say what happens to items in stock, or on a courier's trips, and number what is said of each."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

import click
import pika
from connection import connect
from pika import exceptions as amqp
from pika.adapters.blocking_connection import BlockingChannel
from topology import SHARED, SINGLE, declare, queue_for

# What happens to the last piece of an item, and on the way of an order to its customer.
STOCK = [("inventory.replenished", 1), ("inventory.decreased", -1)] * 2
TRIP = ["trip.requested", "driver.accepted", "trip.started", "trip.completed"]


def life_of_item(item: str) -> Iterator[dict]:
    """One piece comes and is sold, twice."""
    for number, (kind, change) in enumerate(STOCK, 1):
        yield event(item, number, kind, {"item": item, "change": change})


def life_of_trip(order_id: str) -> Iterator[dict]:
    """From the courier's call to the customer's door."""
    for number, kind in enumerate(TRIP, 1):
        yield event(order_id, number, kind, {"order_id": order_id})


def event(subject: str, sequence: int, kind: str, data: dict) -> dict:
    """The event in its envelope. `subject` is what it is about, `sequence` its number there, from 1."""
    time = datetime.now(timezone.utc).isoformat(timespec="seconds")
    envelope = {"id": f"{subject}/{sequence}", "type": kind, "source": "shop", "time": time}
    return {**envelope, "subject": subject, "sequence": sequence, "data": data}


def publish(channel: BlockingChannel, event: dict, queue: str) -> None:
    """Publish it; where the channel is in confirm mode (lesson 03), return when it is safe."""
    properties = pika.BasicProperties(
        content_type="application/json", delivery_mode=2, message_id=event["id"], type=event["type"]
    )
    channel.basic_publish("", queue, json.dumps(event).encode(), properties, mandatory=True)


ROUTES = {"shared": lambda _subject: SHARED, "single": lambda _subject: SINGLE, "key": queue_for}


@click.command()
@click.argument("subjects", metavar="SUBJECT...", nargs=-1, required=True)
@click.option("--to", type=click.Choice([*ROUTES]), default="shared", show_default=True, help="Which queue.")
@click.option("--trip", is_flag=True, help="The subjects are orders on their way, and not items.")
@click.option("--late", is_flag=True, help="The first event comes last, as after a retry (lesson 08).")
def main(subjects: Sequence[str], to: str, trip: bool, late: bool) -> None:
    """Publish the four events of each SUBJECT.

    Example: python producer.py umbrella --to shared
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare(channel)
            channel.confirm_delivery()
            for subject in subjects:
                queue = ROUTES[to](subject)
                first, *others = (life_of_trip if trip else life_of_item)(subject)
                events = [*others, first] if late else [first, *others]
                for each in events:
                    publish(channel, each, queue)
                numbers = ", ".join(str(each["sequence"]) for each in events)
                click.echo(f"published {subject}/{numbers} to {queue}")
    except (amqp.UnroutableError, amqp.NackError) as error:
        raise click.ClickException("The queue took no event; run this again.") from error
    except KeyboardInterrupt:
        click.echo("stopped; what is published stays published", err=True)


if __name__ == "__main__":
    main()
