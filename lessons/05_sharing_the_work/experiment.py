"""Let a fast and a slow worker share 120 orders, with four limits on what each may hold, and kill one."""

import heapq
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
import ledger
from connection import connect
from pika.adapters.blocking_connection import BlockingChannel
from producer import order_created, publish
from topology import QUEUE, declare

ORDERS = [f"A-{number:04}" for number in range(1, 121)]
SECONDS = {"fast": 0.01, "slow": 0.05}  # per order
BEST_SECONDS = len(ORDERS) / sum(1 / each for each in SECONDS.values())  # nobody idles before all is done
PREFETCHES = {"no prefetch": 0, "prefetch 1": 1, "prefetch 10": 10, "prefetch 100": 100}
HOARDING = ["no prefetch", "prefetch 100"]
WHOLE_DAY = 86_400
CONSUMER = Path(__file__).with_name("consumer.py")
MAX_SECONDS = 60
LOOK_SECONDS = 0.05
# So long may workers and broker take to come to where they should be; a worker left over stays longer.
SETTLE_SECONDS = 10
LEFT_OVER_SECONDS = 1


class Packed:
    """What one worker packs, read as it comes: `orders`, and `times` (seconds, of the monotonic clock)."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.orders: list[str] = []
        self.times: list[float] = []
        self._reader = threading.Thread(target=self._read, args=(process,), daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen) -> None:
        for line in process.stdout:
            _name, did, order = line.split()
            if did == "packed":
                self.times.append(time.monotonic())
                self.orders.append(order)

    def until_ended(self) -> None:
        """Until the worker has printed all that it ever will."""
        self._reader.join(MAX_SECONDS)


@contextmanager
def worker(name: str, seconds: float, prefetch: int) -> Iterator[Packed]:
    """What a real worker packs; it is killed (SIGKILL) at the end of the block, or when it takes too long."""
    options = ["--name", name, "--seconds", str(seconds), "--prefetch", str(prefetch)]
    command = [sys.executable, str(CONSUMER), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        packed = Packed(process)
        too_long = threading.Timer(MAX_SECONDS, process.kill)
        too_long.start()
        try:
            yield packed
        finally:
            too_long.cancel()
            process.kill()
            packed.until_ended()  # its output is closed next, and nobody may be reading then


def until(channel: BlockingChannel, consumers: int, ready: int) -> None:
    """Until the broker knows of so many workers, and has so many orders that it has sent to nobody."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        now = channel.queue_declare(QUEUE, passive=True).method
        if (now.consumer_count, now.message_count) == (consumers, ready):
            return
        channel.connection.sleep(LOOK_SECONDS)
    if now.consumer_count > consumers:
        raise somebody_else()
    raise click.ClickException(
        f"{QUEUE} did not come to {ready} orders for {consumers} workers; run this again."
    )


def somebody_else() -> click.ClickException:
    """A worker that we did not start is in the way."""
    return click.ClickException(
        f"Somebody else consumes from {QUEUE}; stop the worker in the other terminal."
    )


def check_alone() -> None:
    """Say that there is no broker, or a worker left over, before anybody has thought about the answer."""
    with connect() as connection:
        channel = connection.channel()
        declare(channel)
        deadline = time.monotonic() + LEFT_OVER_SECONDS
        while channel.queue_declare(QUEUE, passive=True).method.consumer_count:
            if time.monotonic() > deadline:
                raise somebody_else()
            connection.sleep(LOOK_SECONDS)


def place_all(channel: BlockingChannel) -> None:
    """Place all orders."""
    for order in ORDERS:
        publish(channel, order_created(order))


def begin(channel: BlockingChannel) -> None:
    """An empty queue that is ours alone."""
    declare(channel)
    channel.queue_purge(QUEUE)
    until(channel, consumers=0, ready=0)


def share(channel: BlockingChannel, prefetch: int) -> tuple[float, Packed, Packed]:
    """Both workers wait, then all orders come; when they began, and what the fast and the slow one packed."""
    begin(channel)
    with worker("fast", SECONDS["fast"], prefetch) as fast, worker("slow", SECONDS["slow"], prefetch) as slow:
        until(channel, consumers=2, ready=0)
        start = time.monotonic()
        place_all(channel)
        until_packed(channel, fast, slow)
        # Workers whose queue is deleted finish what they have, and end.
        channel.queue_delete(QUEUE)
        for each in (fast, slow):
            each.until_ended()
    return start, fast, slow


def until_packed(channel: BlockingChannel, fast: Packed, slow: Packed) -> None:
    """Until each order is packed by somebody."""
    deadline = time.monotonic() + MAX_SECONDS
    while len({*fast.orders, *slow.orders}) < len(ORDERS):
        if time.monotonic() > deadline:
            raise click.ClickException(
                "The workers did not pack everything; see why with: python consumer.py"
            )
        channel.connection.sleep(LOOK_SECONDS)


def held_at_death(channel: BlockingChannel, prefetch: int) -> int:
    """Kill a worker over its first order; how many orders come back with that one."""
    begin(channel)
    with worker("slow", WHOLE_DAY, prefetch):
        until(channel, consumers=1, ready=0)
        place_all(channel)
        until(channel, consumers=1, ready=len(ORDERS) - min(prefetch or len(ORDERS), len(ORDERS)))
    until(channel, consumers=0, ready=len(ORDERS))
    return sum(channel.basic_get(QUEUE, auto_ack=True)[0].redelivered for _ in ORDERS)


def trial(channel: BlockingChannel, name: str) -> ledger.Trial:
    """Share the work, then kill a worker, with one limit."""
    prefetch = PREFETCHES[name]
    start, fast, slow = share(channel, prefetch)
    own = {
        "held": held_at_death(channel, prefetch),
        "fast": len(fast.orders),
        "slow": len(slow.orders),
        "late": sum(moment > fast.times[-1] for moment in slow.times),
        "percent_of_best": round(100 * (max(fast.times[-1], slow.times[-1]) - start) / BEST_SECONDS),
    }
    click.echo(
        f"{name}: fast ~{own['fast']}, slow ~{own['slow']}, of which late ~{own['late']};"
        f" ~{own['percent_of_best'] / 100:.1f} times the shortest",
        err=True,
    )
    # Each worker keeps the order of what it gets; between two there is none: lesson 09.
    handled = list(heapq.merge(fast.orders, slow.orders))
    return ledger.Trial(name, name in HOARDING, ORDERS, handled, own)


def measured() -> list[ledger.Trial]:
    """All trials; they leave no orders behind, also when they are stopped."""
    try:
        with connect() as connection:
            channel = connection.channel()
            return [trial(channel, name) for name in PREFETCHES]
    except (KeyboardInterrupt, click.ClickException):
        clear()
        raise


def clear() -> None:
    """Remove the queue, with all orders: also those that a worker held that was just killed.

    It is not declared again: what is still on its way to it comes to nothing.
    """
    with connect() as connection:
        connection.channel().queue_delete(QUEUE)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
def main(as_json: bool) -> None:
    """Compare four limits on what a worker may hold.

    Example: python experiment.py --json
    """
    try:
        check_alone()
        guessed = ledger.guess("Without prefetch, of 120 orders, how many does the fast worker pack", as_json)
        trials = measured()
    except KeyboardInterrupt:
        click.echo("stopped; nothing was measured", err=True)
        return
    by_fast = trials[0].own["fast"]
    if not as_json:  # who did how many was told above
        trials = [replace(each, own={"held": each.own["held"]}) for each in trials]
    ledger.report("05", trials, as_json)
    ledger.compare(guessed, by_fast)


if __name__ == "__main__":
    main()
