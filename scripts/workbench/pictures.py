"""A page's Mermaid flowcharts in words, for a terminal, which cannot draw them."""

import re

MERMAID = re.compile(r"```mermaid\n(.*?)```\n", re.DOTALL)
NODE = re.compile(r"""(\w+)[\[({>]+"?([^"\])}]+)"?[\])}]+""")
EDGE = re.compile(r"""(\w+) *(--+|==+|-\.+)>? *(?:\|"?([^|"]+)"?\|)? *(\w+)""")


def in_words(page: str) -> str:
    """The page with each flowchart as a list of its arrows; other diagrams stay as they are."""
    return MERMAID.sub(lambda match: _arrows(match[1]) or match[0], page)


def _arrows(diagram: str) -> str:
    if not diagram.startswith("flowchart"):
        return ""
    names = {key: name.strip() for key, name in NODE.findall(diagram)}
    bare = NODE.sub(r"\1", diagram)
    return "".join(
        f"- {names.get(start, start)} → {names.get(end, end)}" + (f": {label}\n" if label else "\n")
        for start, _line, label, end in EDGE.findall(bare.replace(">", "> "))
    )
