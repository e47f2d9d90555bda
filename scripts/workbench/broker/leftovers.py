"""What lessons left on a broker: queues and exchanges named after a lesson, and vhosts made for one."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from workbench import address
from workbench.management import Management, ManagementError

LESSONS_OWN = re.compile(r"lesson\d\d")
# As the guard has them made for a check, and for a page that is played.
OWN_VHOST = re.compile(r"check-[0-9a-f]{12}|lesson\d\d-[0-9a-f]{8}")


@dataclass(frozen=True)
class Leftover:
    """A queue or an exchange of a lesson, or a vhost that was made for one."""

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


def find_vhosts(url: str, lesson: str | None = None) -> list[Leftover]:
    """The vhosts made for checks and pages to which nobody is connected now; raises ManagementError.

    Of one lesson ("02") only those in which its page was played: a check's name tells no lesson.
    """
    management = Management.of(url)
    in_use = {each["vhost"] for each in management.get("connections?columns=vhost")}
    names = [each["name"] for each in management.get("vhosts?columns=name")]
    return [
        Leftover("vhost", name)
        for name in names
        if OWN_VHOST.fullmatch(name)
        and name not in in_use
        and name.startswith(f"lesson{lesson}-" if lesson else "")
    ]


def remove(url: str, leftovers: list[Leftover]) -> None:
    """Delete them, with the messages in them; raises ManagementError."""
    management = Management.of(url)
    vhost = quote(address.vhost_of(url), safe="")
    for leftover in leftovers:
        inside = "" if leftover.kind == "vhost" else f"{vhost}/"
        try:
            management.delete(f"{leftover.kind}s/{inside}{quote(leftover.name, safe='')}")
        except ManagementError as error:
            if error.status != 404:  # its consumer may have taken it away in the meantime
                raise
