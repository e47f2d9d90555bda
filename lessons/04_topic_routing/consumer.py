"""Be a service: hear what fits its patterns, from a queue that nobody else takes from."""

import json

import click
from connection import connect
from topology import declare_exchange, declare_queue


def event_in(body: bytes, queue: str) -> dict:
    """Read a message. One that is no event stops us, and stays in the queue: lesson 07 does better."""
    try:
        event = json.loads(body)
        return {"type": event["type"], "about": event["data"]["order_id"], "whole": event}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise click.ClickException(
            f"The next message in {queue} is not an event of an order ({body[:40]!r});"
            " empty the queue, in the project's folder: python3 scripts/broker.py reset --lesson 04"
        ) from error


def in_words(service: str, event: dict, whole: bool) -> str:
    """What the service says of an event, and all that is in it if that is wanted."""
    heard = f"{service} heard {event['type']} {event['about']}"
    return f"{heard}\n{json.dumps(event['whole'], indent=2)}" if whole else heard


@click.command()
@click.argument("service")
@click.argument("patterns", metavar="PATTERN...", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(min=1), help="Stop after this many events.  [default: never]")
@click.option("--whole", is_flag=True, help="Show all that is in an event.")
def main(service: str, patterns: tuple[str, ...], limit: int | None, whole: bool) -> None:
    """Hear the events whose type fits a pattern: * is one word, # any number of words.

    Example: python consumer.py billing 'payment.*'
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            declare_exchange(channel)
            queue = declare_queue(channel, service, patterns)
            click.echo(f"{service} waits for {', '.join(patterns)}; Ctrl-C to stop", err=True)
            for number, (method, _properties, body) in enumerate(channel.consume(queue), 1):
                click.echo(in_words(service, event_in(body, queue), whole))
                channel.basic_ack(method.delivery_tag)
                if number == limit:
                    break
            else:
                raise click.ClickException(f"Somebody deleted {queue}; start {service} again.")
    except KeyboardInterrupt:
        click.echo("stopped; the queue goes on hearing for us", err=True)


if __name__ == "__main__":
    main()
