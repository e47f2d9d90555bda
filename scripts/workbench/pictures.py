"""A page's Mermaid diagrams in words, for a terminal, which cannot draw them."""

import re

MERMAID = re.compile(r"```mermaid\n(.*?)```\n", re.DOTALL)
NODE = re.compile(r"""(\w+)[\[({>]+"?([^"\])}]+)"?[\])}]+""")
PARTICIPANT = re.compile(r"participant (\w+) as (.+)")
MESSAGE = re.compile(r"(\w+)--?(?:>>|x)(\w+): (.+)")
NOTE = re.compile(r"Note over (\w+): (.+)")
ENTITY = re.compile(r"#(\d+);")
EDGE = re.compile(r"""(\w+) *(--+|==+|-\.+-)>? *(?:\|"?([^|"]+)"?\|)? *(\w+)""")


def in_words(page: str) -> str:
    """The page with flowcharts and sequences as lists of their arrows; other diagrams stay as they are."""
    return MERMAID.sub(lambda match: _sequence(match[1]) or _arrows(match[1]) or match[0], page)


def _arrows(diagram: str) -> str:
    if not diagram.startswith("flowchart"):
        return ""
    names = {key: name.strip() for key, name in NODE.findall(diagram)}
    bare = NODE.sub(r"\1", diagram)
    return "".join(
        f"- {names.get(start, start)} → {names.get(end, end)}" + (f": {label}\n" if label else "\n")
        for start, _line, label, end in EDGE.findall(bare.replace(">", "> "))
    )


def _sequence(diagram: str) -> str:
    """A sequence diagram as a numbered list; what did not arrive is said so."""
    if not diagram.startswith("sequenceDiagram"):
        return ""
    names = dict(PARTICIPANT.findall(diagram))
    told = [_sentence(line.strip(), names) for line in diagram.splitlines()]
    numbered = (f"{number}. {words}\n" for number, words in enumerate(filter(None, told), 1))
    return ENTITY.sub(lambda match: chr(int(match[1])), "".join(numbered))


def _sentence(line: str, names: dict[str, str]) -> str:
    if message := MESSAGE.fullmatch(line):
        lost = "" if ">>" in line.partition(":")[0] else ", which does not arrive"
        return f"{names[message[1]]} → {names[message[2]]}: {message[3]}{lost}"
    if note := NOTE.fullmatch(line):
        return f"{names[note[1]]}: {note[2]}"
    return ""
