"""Draw what the experiment measured: how fast each way was, and what it did to order."""

from collections.abc import Sequence
from html import escape

from ledger import Trial

ROW, LEFT, TOP, WIDTH, GAP = 30, 90, 46, 640, 10  # pixels
BAR = 60  # pixels for one worker's speed
HARM = ("lost", "out_of_order", "oversold")
RIGHT, WRONG = "#2a7f62", "#c0392b"
HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"
  font-family="sans-serif" font-size="14">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="{left}" y="20" fill="#333333">events a second, one worker = 1</text>
"""
BAR_AND_WORDS = """<text x="{end}" y="{line}" text-anchor="end" fill="#333333">{name}</text>
<rect x="{left}" y="{top}" width="{length:.0f}" height="18" fill="{colour}"/>
<text x="{after:.0f}" y="{line}" fill="#333333">{words}</text>
"""


def picture_of(trials: Sequence[Trial]) -> str:
    """An SVG with a bar for each trial: green where order held, red where something suffered."""
    height = TOP + ROW * len(trials)
    rows = [row(trial, TOP + ROW * place) for place, trial in enumerate(trials)]
    return HEAD.format(width=WIDTH, height=height, left=LEFT) + "".join(rows) + "</svg>\n"


def row(trial: Trial, top: int) -> str:
    """One trial's bar, and in words what went wrong."""
    counts = trial.counts()
    speed = counts["percent_of_one"] / 100
    wrong = [f"{counts[column]} {column.replace('_', ' ')}" for column in HARM if counts[column]]
    return BAR_AND_WORDS.format(
        left=LEFT,
        end=LEFT - GAP,
        top=top,
        line=top + 14,
        length=BAR * speed,
        after=LEFT + BAR * speed + GAP,
        colour=WRONG if wrong else RIGHT,
        name=escape(trial.name),
        words=escape(" · ".join([f"{speed:.1f}", *wrong])),
    )
