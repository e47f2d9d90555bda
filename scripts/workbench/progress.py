"""Which exercises are done: a file in the project's root that git ignores."""

import json
from datetime import datetime, timezone

from workbench.lessons import ROOT

FILE = ROOT / ".progress.json"


def done() -> dict[str, str]:
    """The numbers of the lessons whose exercise was judged good, and when it first was."""
    try:
        return json.loads(FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        FILE.rename(FILE.with_suffix(".unreadable"))
        return {}


def note(number: str, kept: bool) -> None:
    """Remember that this lesson's exercise is done; once done it stays so."""
    noted = done()
    if kept and number not in noted:
        noted[number] = datetime.now(timezone.utc).isoformat(timespec="seconds")
        FILE.write_text(json.dumps(noted, indent=2) + "\n", encoding="utf-8")
