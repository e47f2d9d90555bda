"""What lessons left on a broker: queues and exchanges whose names begin with lesson and two digits."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from workbench import address
from workbench.management import Management, ManagementError

LESSONS_OWN = re.compile(r"lesson\d\d")


@dataclass(frozen=True)
class Leftover:
    """A queue or an exchange of a lesson."""

    kind: str
    name: str


def find(url: str, lesson: str | None = None) -> list[Leftover]:
    """Those in the URL's vhost, of one lesson ("02") or of all; raises ManagementError."""
    management = Management.of(url)
    vhost = quote(address.vhost_of(url), safe="")
    return [
        Leftover(kind, each["name"])
        for kind in ("queue", "exchange")
        for each in management.get(f"{kind}s/{vhost}?columns=name")
        if LESSONS_OWN.match(each["name"]) and each["name"].startswith(f"lesson{lesson or ''}")
    ]


def remove(url: str, leftovers: list[Leftover]) -> None:
    """Delete them, with the messages in them; raises ManagementError."""
    management = Management.of(url)
    vhost = quote(address.vhost_of(url), safe="")
    for leftover in leftovers:
        try:
            management.delete(f"{leftover.kind}s/{vhost}/{quote(leftover.name, safe='')}")
        except ManagementError as error:
            if error.status != 404:  # its consumer may have taken it away in the meantime
                raise
