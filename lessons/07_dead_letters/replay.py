"""Send chosen dead letters back to the queue in which they died; the others stay as they were."""

from collections.abc import Collection, Iterator

import click
from connection import connect
from dead_letters import DeadLetter, give_back, held
from messages import publish
from pika.adapters.blocking_connection import BlockingChannel


def replayed(channel: BlockingChannel, names: Collection[str]) -> Iterator[DeadLetter]:
    """Send back all dead letters of these names; each is yielded when it is gone from here."""
    for letter in held(channel):
        if letter.name in names:
            # To its queue, not to its exchange: others had the event too, and had no trouble with it.
            publish(channel, origin(letter), letter.body, letter.as_new())
            # Killed between these two lines, it is in both places: twice, but not lost (lesson 06).
            channel.basic_ack(letter.tag)
            yield letter
    give_back(channel)


def origin(letter: DeadLetter) -> str:
    """The queue in which it died last."""
    if not letter.death:
        raise click.ClickException(f"{letter.name} did not die in a queue, and cannot go back to one.")
    return letter.death["queue"]


@click.command()
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...]) -> None:
    """Send the dead letters NAMES back, in the order in which they died.

    Example: python replay.py order.created/A-0001
    """
    missing = set(names)
    try:
        with connect() as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            for letter in replayed(channel, names):
                missing.discard(letter.name)
                click.echo(f"replayed {letter.name} to {letter.death['queue']}")
    except KeyboardInterrupt:
        click.echo("stopped; what is not called replayed is still a dead letter", err=True)
        return
    if missing or not names:
        raise click.ClickException(f"No dead letter {', '.join(missing) or 'was named'}; see: python peek.py")


if __name__ == "__main__":
    main()
