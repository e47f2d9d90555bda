"""Measure how fast pika consumes and acknowledges through the wire, against the same without it."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2]
if str(SCRIPTS) not in sys.path:
    # Started as a file, Python looks for modules in this folder, not in scripts/.
    sys.path[0] = str(SCRIPTS)

import click  # noqa: E402
import pika  # noqa: E402

from workbench.address import broker_url  # noqa: E402
from workbench.broker import probe  # noqa: E402
from workbench.wire import Cut, Fault, FaultPlan, When, Wire  # noqa: E402

BODY = b'{"id": "A-0001", "type": "order.created", "data": {"customer": "c-17", "total": 1999}}'
PREFETCH = 100
# Until connections, caches and the queue have warmed up.
UNCOUNTED = 500

NEVER = FaultPlan((Fault(When("ack", nth=10**9), Cut()), Fault(When("deliver", nth=10**9), Cut())))


@contextmanager
def queue_at(url: str) -> Iterator[str]:
    """A queue of our own, deleted afterwards."""
    name = f"wire-benchmark-{uuid.uuid4().hex[:8]}"
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.queue_declare(name, durable=True)
        try:
            yield name
        finally:
            channel.queue_delete(name)


def fill(url: str, queue: str, messages: int) -> None:
    """Publish that many small orders, and return when the queue has them."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        for _ in range(messages):
            channel.basic_publish("", queue, BODY, pika.BasicProperties(content_type="application/json"))
        channel.confirm_delivery()
        channel.basic_publish("", queue, BODY)


def consume(url: str, queue: str, messages: int) -> float:
    """Consume and acknowledge that many; messages per second."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=PREFETCH)
        deliveries = channel.consume(queue)
        acknowledge(channel, deliveries, UNCOUNTED)
        started = time.perf_counter()
        acknowledge(channel, deliveries, messages)
        return messages / (time.perf_counter() - started)


def acknowledge(channel, deliveries, messages: int) -> None:
    """Take that many deliveries and acknowledge each."""
    for method, _properties, _body in islice(deliveries, messages):
        channel.basic_ack(method.delivery_tag)


def measure(url: str, queue: str, messages: int) -> float:
    """The rate of a consumer that is a process of its own, as a learner's program is."""
    command = [sys.executable, str(Path(__file__).resolve()), "--consume", queue, "--messages", str(messages)]
    # The URL goes by standard input: arguments can be read by everybody on the machine.
    done = subprocess.run(command, input=url, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"the consumer failed: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout)


def measure_pairs(
    url: str, queue: str, messages: int, pairs: int, plan: FaultPlan
) -> list[tuple[float, float]]:
    """Rates (direct, through the wire), one pair after another, so that both meet the same machine."""
    rates = []
    for number in range(pairs):
        through, direct = 0.0, 0.0
        # By turns, which of them is first.
        for wired in (number % 2 == 0, number % 2 == 1):
            fill(url, queue, messages + UNCOUNTED + PREFETCH)
            if wired:
                through = measure_wired(url, queue, messages, plan)
            else:
                direct = measure(url, queue, messages)
            empty(url, queue)
        rates.append((direct, through))
        click.echo(f"  {direct:8,.0f} direct  {through:8,.0f} wired  {through / direct:5.2f}", err=True)
    return rates


def measure_wired(url: str, queue: str, messages: int, plan: FaultPlan) -> float:
    """The rate through the wire, with an observer that keeps every event."""
    events: list = []
    with Wire(url, plan, observer=events.append) as wire:
        rate = measure(wire.address_for("consumer"), queue, messages)
    acks = sum(event.kind == "ack" for event in events)
    if acks < messages:
        raise click.ClickException(f"the wire saw {acks} acknowledgements of {messages}")
    return rate


def empty(url: str, queue: str) -> None:
    """Throw away what is left."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        connection.channel().queue_purge(queue)


def summary(messages: int, rates: list[tuple[float, float]]) -> dict[str, object]:
    """Medians of all pairs; the ratio is the median of the pairs' ratios."""
    return {
        "messages": messages,
        "pairs": len(rates),
        "direct_per_second": round(statistics.median(direct for direct, _ in rates)),
        "wired_per_second": round(statistics.median(wired for _, wired in rates)),
        "ratio": round(statistics.median(wired / direct for direct, wired in rates), 3),
    }


@click.command()
@click.option("--messages", type=click.IntRange(1), default=5_000, show_default=True, help="How many a run.")
@click.option("--pairs", type=click.IntRange(1), default=11, show_default=True, help="How many runs of each.")
@click.option("--watched", is_flag=True, help="With faults armed, that never strike: the slower path.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--consume", "queue", hidden=True)
def main(messages: int, pairs: int, watched: bool, as_json: bool, queue: str | None) -> None:
    """Consume and acknowledge with pika, directly and through the wire, by turns.

    Example: python -m workbench.wire.benchmark --messages 5000 --json
    """
    if queue:
        click.echo(consume(sys.stdin.read(), queue, messages))
        return
    url = broker_url()
    probe.ask(url)
    with queue_at(url) as name:
        rates = measure_pairs(url, name, messages, pairs, NEVER if watched else FaultPlan())
    report(summary(messages, rates), as_json)


def report(result: dict[str, object], as_json: bool) -> None:
    """Print the result for people or for programs."""
    if as_json:
        click.echo(json.dumps(result))
        return
    click.echo(f"direct     {result['direct_per_second']:8,} messages a second")
    click.echo(f"wired      {result['wired_per_second']:8,} messages a second")
    click.echo(f"ratio      {result['ratio']:8.2f}  (median of {result['pairs']} pairs)")


if __name__ == "__main__":
    main()
