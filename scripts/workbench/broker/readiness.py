"""Waits until a broker that is starting answers, both AMQP and its management page."""

import time
from collections.abc import Callable

from workbench import address, quietly
from workbench.broker import probe
from workbench.management import Management

LONGEST_SECONDS = 120
POLL_SECONDS = 0.3


class NotReady(Exception):
    """It ended, or still did not answer after two minutes."""


def wait(
    amqp_port: int, management_port: int, clock: quietly.Clock, ended: Callable[[], bool] = lambda: False
) -> None:
    """Return when both ports of a broker on this machine answer guest; raises NotReady.

    `ended` tells that waiting longer is in vain.
    """
    url = address.broker_url({"AMQP_PORT": str(amqp_port)})
    management = Management(f"http://{address.this_machine()}:{management_port}", "guest", "guest", timeout=5)
    deadline = time.monotonic() + LONGEST_SECONDS
    while not (lets_in(url) and management.answers()):
        if ended() or time.monotonic() > deadline:
            raise NotReady
        time.sleep(POLL_SECONDS)
        clock.show()


def lets_in(url: str) -> bool:
    """Whether the broker accepts a login by now."""
    try:
        probe.ask(url)
    except probe.NoAnswer:
        return False
    return True
