"""A prop: the power fails, at an exact moment of one order."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

import click

MOMENTS = {
    "charging": "just before it is charged",
    "charged": "just after it is charged",
    "acknowledging": "just before it is acknowledged",
}


@dataclass(frozen=True)
class PowerCut:
    """Kills this process at that moment of that order; without them, never."""

    moment: str = ""
    order_id: str = ""

    def passes(self, moment: str, event: dict) -> None:
        """The program has come to this moment of this event. SIGKILL leaves it no chance to tidy up."""
        if (moment, event["data"]["order_id"]) == (self.moment, self.order_id):
            click.echo(f"the power fails: {self.order_id}, {MOMENTS[moment]}", err=True)
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, charge: Callable[[dict], None]) -> Callable[[dict], None]:
        """The same charge, with a moment before it and one after it."""

        def charge_in_danger(event: dict) -> None:
            self.passes("charging", event)
            charge(event)
            self.passes("charged", event)

        return charge_in_danger
