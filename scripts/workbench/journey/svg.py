"""Steps as a sequence diagram in SVG: no fonts, scripts or backgrounds of its own.

All its colours have a contrast of more than 4 to a white page and to a dark one (#0d1117) alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

from workbench.journey.drawing import colour_of
from workbench.journey.mermaid import DASHED
from workbench.journey.model import PROGRAM, Participant, Step

MARGIN = 16
BOX_HEIGHT = 30
ROW = 34
LETTER = 7.6  # width of a letter of 13 px, as monospace fonts have it
MIN_GAP = 150
GREY = "#6f7b87"
COLOURS = ("#2e7bd0", "#ac57c0", "#9f7110", "#2a8a4e", "#c55936", "#1d8693", "#7d6bce", "#c05582")
STYLE = (
    "text{font:13px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;text-anchor:middle}"
    f".who{{fill:{GREY};font-weight:600}}.box{{fill:none;stroke:{GREY};stroke-width:1.5}}"
    f".life{{stroke:{GREY};stroke-opacity:.55;stroke-dasharray:2 4}}"
    ".arrow{stroke-width:1.6;fill:none}.dashed{stroke-dasharray:6 4}"
)


def svg(steps: Iterable[Step]) -> str:
    """The drawing as an XML document, as wide as its participants need."""
    steps = list(steps)
    places = _places(steps)
    height = 2 * MARGIN + BOX_HEIGHT + ROW * (len(steps) + 1)
    tops = [MARGIN + BOX_HEIGHT + ROW * (row + 1) for row in range(len(steps))]
    notes = [_note_end(step, places) for step in steps if step.target is None]
    width = round(max([x + _half_box(one) for one, x in places.items()] + notes + [MIN_GAP]) + MARGIN)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img" aria-label="sequence diagram">',
        f"<style>{STYLE}</style>",
        *(_participant(one, x, height) for one, x in places.items()),
        *(_step(step, places, top) for step, top in zip(steps, tops, strict=True)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _half_box(participant: Participant) -> float:
    return (len(participant.name) * LETTER + 24) / 2


def _places(steps: Iterable[Step]) -> dict[Participant, float]:
    """The middle of each participant's column, with room for the names and for what is said between."""
    steps = list(steps)
    said = [one for step in steps for one in (step.source, step.target) if one is not None]
    participants = list(dict.fromkeys(said))
    places: dict[Participant, float] = {}
    for number, one in enumerate(participants):
        if number == 0:
            places[one] = MARGIN + _half_box(one)
            continue
        before = participants[number - 1]
        gaps = [_half_box(before) + _half_box(one) + 20, MIN_GAP]
        gaps += [
            len(step.message) * LETTER + 36 for step in steps if {step.source, step.target} == {before, one}
        ]
        places[one] = places[before] + max(gaps)
    return places


def _note_end(step: Step, places: dict[Participant, float]) -> float:
    return places[step.source] + 12 + len(step.remark) * LETTER


def _participant(participant: Participant, x: float, height: int) -> str:
    half = _half_box(participant)
    round_corners = ' rx="3"' if participant.kind == PROGRAM else f' rx="{BOX_HEIGHT / 2:g}"'
    return (
        f'<line class="life" x1="{x:.1f}" y1="{MARGIN + BOX_HEIGHT}" x2="{x:.1f}" y2="{height - MARGIN}"/>'
        f'<rect class="box" x="{x - half:.1f}" y="{MARGIN}" width="{2 * half:.1f}" height="{BOX_HEIGHT}"'
        f"{round_corners}/>"
        f'<text class="who" x="{x:.1f}" y="{MARGIN + BOX_HEIGHT / 2 + 4.5:g}">'
        f"{escape(participant.name)}</text>"
    )


def _step(step: Step, places: dict[Participant, float], y: int) -> str:
    colour = GREY if step.order is None else COLOURS[colour_of(step.order) % len(COLOURS)]
    start = places[step.source]
    if step.target is None:
        return (
            f'<circle cx="{start:.1f}" cy="{y}" r="4" fill="{colour}"/>'
            f'<text x="{start + 12:.1f}" y="{y + 4.5:g}" fill="{colour}" style="text-anchor:start">'
            f"{escape(step.remark)}</text>"
        )
    return _arrow(step, start, places[step.target], y, colour)


def _arrow(step: Step, start: float, end: float, y: int, colour: str) -> str:
    forward = 1 if end >= start else -1
    middle = (start + end) / 2
    tip = end if step.passed else start + (end - start) * 0.8
    head = f"M{tip - 8 * forward:.1f} {y - 4.5:g}L{tip:.1f} {y}L{tip - 8 * forward:.1f} {y + 4.5:g}"
    if not step.passed:
        head = f"M{tip - 5:.1f} {y - 5}l10 10m0 -10l-10 10"
    dashed = " dashed" if step.kind in DASHED else ""
    return (
        f'<path class="arrow{dashed}" stroke="{colour}" d="M{start:.1f} {y}L{tip:.1f} {y}"/>'
        f'<path class="arrow" stroke="{colour}" d="{head}"/>'
        f'<text x="{middle:.1f}" y="{y - 7}" fill="{colour}">{escape(step.message)}</text>'
    )
