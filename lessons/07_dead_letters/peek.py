"""List the dead letters: what died where, for which reason, how often and when. All stay as they were."""

import click
from connection import connect
from dead_letters import DeadLetter, give_back, held


def line(letter: DeadLetter) -> str:
    """One dead letter in a line."""
    replayed = f"  replayed {letter.times_replayed}x" if letter.times_replayed else ""
    if not letter.death:
        return f"{letter.name}  published here by somebody, not dead-lettered{replayed}"
    death = letter.death
    count, queue, age = int(death["count"]), death["queue"], letter.age_seconds()
    return f"{letter.name}  {death['reason']} {count}x  {queue}{replayed}  {age:.0f} s ago"


@click.command()
@click.option("--most", type=click.IntRange(min=1), default=100, show_default=True, help="List so many.")
def main(most: int) -> None:
    """List the dead letters, the oldest first.

    Example: python peek.py
    """
    try:
        with connect() as connection:
            channel = connection.channel()
            # All are held until the last is read: nobody else sees them meanwhile. Killed here, we lose
            # nothing: what is not acknowledged goes back to its place.
            lines = [line(letter) for letter in held(channel, most)]
            give_back(channel)
            for each in lines:
                click.echo(each)
            click.echo(f"dead letters: {len(lines)}", err=True)
    except KeyboardInterrupt:
        click.echo("stopped; all dead letters are where they were", err=True)


if __name__ == "__main__":
    main()
