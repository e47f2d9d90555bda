"""Lose orders in four ways with the hopeful producer, then try the same four on the one that asks."""

import shlex
import subprocess
import sys
import time
from pathlib import Path

import click
import ledger
from connection import NoBroker, connect
from topology import QUEUE, declare

FOLDER = Path(__file__).parent
PRODUCERS = {"hopeful": True, "careful": False}  # whether it is meant to lose orders
SCRIPTS = {"hopeful": "hopeful_producer.py", "careful": "producer.py"}
RELAY = [sys.executable, str(FOLDER / "relay.py"), "--after", "3"]
MAX_SECONDS = 60


def run_to_its_end(script: str, command: list[str]) -> subprocess.CompletedProcess:
    """Run a real producer or consumer."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=MAX_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise click.ClickException(f"{script} does not end; see why with: python {script}") from error


def run_producer(producer: str, *options: str, behind: list[str] | None = None) -> list[str]:
    """Let a real producer place orders; the ones that it calls placed."""
    command = [*(behind or []), sys.executable, str(FOLDER / SCRIPTS[producer]), *options]
    done = run_to_its_end(SCRIPTS[producer], command)
    return [line.removeprefix("placed ") for line in done.stdout.splitlines()]


def orders_in_queue() -> list[str]:
    """Pack what there is, as consumer.py does."""
    done = run_to_its_end("consumer.py", [sys.executable, str(FOLDER / "consumer.py")])
    if done.returncode:
        said = done.stderr.strip() or "consumer.py failed without a word; see why with: python consumer.py"
        raise click.ClickException(said.removeprefix("Error: "))
    return [line.removeprefix("packed ") for line in done.stdout.splitlines()]


def entry(fault: str, producer: str, tried: int, placed: list[str]) -> ledger.Trial:
    """What was called placed, against what is there to be packed. What was refused is not lost: we know."""
    own = {"refused": tried - len(placed)}
    return ledger.Trial(f"{fault}, {producer}", PRODUCERS[producer], placed, orders_in_queue(), own)


def wrong_key(producer: str) -> ledger.Trial:
    """A routing key that leads to no queue."""
    placed = run_producer(producer, "--count", "10", "--key", "order.craeted")
    return entry("wrong key", producer, 10, placed)


def no_exchange(producer: str) -> ledger.Trial:
    """An exchange that nobody declared. One order: a later one may meet the closed channel and fail aloud."""
    placed = run_producer(producer, "--count", "1", "--exchange", "lesson03.oders")
    return entry("no exchange", producer, 1, placed)


def network_fails(producer: str) -> ledger.Trial:
    """The network loses all that follows the third order, then the connection drops."""
    placed = run_producer(producer, "--count", "10", behind=RELAY)
    return entry("network fails", producer, 10, placed)


def broker_restarts(producer: str, restart: str) -> ledger.Trial:
    """The broker restarts while the orders wait in their queue."""
    placed = run_producer(producer, "--count", "10")
    click.echo(f"restarting the broker: {restart}", err=True)
    try:
        subprocess.run(shlex.split(restart), stdout=subprocess.DEVNULL, timeout=5 * MAX_SECONDS, check=True)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise click.ClickException(f"The broker was not restarted; try by hand: {restart}") from error
    wait_for_broker()
    return entry("restart", producer, 10, placed)


def wait_for_broker() -> None:
    """Until the broker takes connections again: some commands return before it does."""
    for attempt in range(1, MAX_SECONDS + 1):
        try:
            with connect():
                return
        except NoBroker:
            click.echo(f"no broker yet, try {attempt} of {MAX_SECONDS}", err=True)
            time.sleep(1)
    raise click.ClickException(
        "The broker did not come back; see why, in the project's folder: python3 scripts/broker.py logs"
    )


def check_alone() -> None:
    """Say that there is no broker, or a consumer left over, before anybody has thought about the answer."""
    with connect() as connection:
        channel = connection.channel()
        declare(channel)
        if channel.queue_declare(QUEUE, passive=True).method.consumer_count:
            raise click.ClickException(
                f"Somebody else consumes from {QUEUE}; stop the consumer in the other terminal."
            )


def measured(restart: str | None) -> list[ledger.Trial]:
    """All trials; they leave no orders behind, also when they are stopped."""
    faults = [wrong_key, no_exchange, network_fails]
    if restart:
        faults.append(lambda producer: broker_restarts(producer, restart))
    clear()
    try:
        return [fault(producer) for fault in faults for producer in PRODUCERS]
    except (KeyboardInterrupt, click.ClickException):
        clear()
        raise


def clear() -> None:
    """Remove all orders, also those that a consumer held that was just stopped: with their queue."""
    with connect() as connection:
        channel = connection.channel()
        channel.queue_delete(QUEUE)
        declare(channel)


@click.command()
@click.option("--restart", metavar="COMMAND", help="Try a restart of the broker too, with this command.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def main(restart: str | None, as_json: bool) -> None:
    """Count what two producers lose when routing, network and broker fail.

    Example: python experiment.py --restart "docker compose restart"
    """
    try:
        check_alone()
        guessed = ledger.guess("The network fails after 3 of 10 orders; how many are lost unnoticed", as_json)
        trials = measured(restart)
    except KeyboardInterrupt:
        click.echo("stopped; nothing was measured", err=True)
        return
    ledger.report("03", trials, as_json)
    lost = next(t.counts()["lost"] for t in trials if t.name == "network fails, hopeful")
    ledger.compare(guessed, lost)


if __name__ == "__main__":
    main()
