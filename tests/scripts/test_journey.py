"""scripts/journey.py as it is typed, and what it is made of, on the lessons' own programs."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from project_copy import ROOT, copy_project, is_one_sentence
from workbench.journey import journey_of, steps_of
from workbench.journey.causal import in_causal_order
from workbench.journey.mermaid import escaped, mermaid
from workbench.journey.pages import drawn, observed, pictures_of
from workbench.journey.performance import Ended, Impatient, Performance, Said, commands_of
from workbench.journey.words import in_a_line
from workbench.lessons import find_lesson
from workbench.pictures import in_words
from workbench.wire import Cut, CutAfter, Drop, Event, Fault, FaultPlan, Hold, Kill, When

FIRST = "01_first_event"
ACKS = "02_acknowledgements"
CONFIRMS = "03_publisher_confirms"
TOPICS = "04_topic_routing"
DEAD_LETTERS = "07_dead_letters"
COLOUR = re.compile(r"\x1b\[[0-9;]*3\d")
COMMAND = [sys.executable, str(ROOT / "scripts" / "journey.py")]
Journey = Callable[..., subprocess.CompletedProcess]
Perform = Callable[..., Performance]


@pytest.fixture
def folder_of(copied: Callable[[str], Path]) -> Callable[[str], Path]:
    """The copy of a lesson's folder, made at the first use."""
    return cache(copied)


@pytest.fixture
def journey(vhost_url: str, folder_of: Callable[[str], Path]) -> Journey:
    """Runs journey.py in a copy of the lesson's folder, without a terminal."""

    def run(lesson: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=folder_of(lesson),
            env=os.environ | {"AMQP_URL": vhost_url} | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def perform(vhost_url: str, folder_of: Callable[[str], Path]) -> Perform:
    """Prepares programs of a lesson, in a copy of its folder, with a plan of faults."""

    def prepare(lesson: str, *lines: str, faults: tuple[Fault, ...] = ()) -> Performance:
        return Performance(commands_of(lines), vhost_url, folder_of(lesson), FaultPlan(faults))

    return prepare


def events_of(performance: Performance) -> list[Event]:
    """All events, whether or not the programs fail in the end."""
    return [item for item in performance.news() if isinstance(item, Event)]


def stopped_at_fault(performance: Performance) -> list[Event]:
    """All events of programs that are interrupted when a fault has struck."""
    events = []
    for item in performance.news():
        if isinstance(item, Event):
            events.append(item)
            if item.kind == "fault":
                performance.stop()
    return events


def await_end(process: int) -> None:
    """Nothing tells us when a process has ended that is not our own child."""
    deadline = time.monotonic() + 10
    while ps(process) not in ("", "Z"):
        assert time.monotonic() < deadline, f"process {process} goes on"
        time.sleep(0.05)


def ps(process: int) -> str:
    done = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()[:1]


def squeezed(drawing: str) -> list[str]:
    """The lines of a drawing with the lengths of its arrows and gaps left out."""
    return [re.sub(r"-+", "-", re.sub(r" +", " ", line)).strip() for line in drawing.splitlines() if line]


# --- drawn in a terminal


def test_draws_every_message_between_its_two_ends(journey: Journey) -> None:
    done = journey(FIRST, "python producer.py --count 1", "python consumer.py --limit 1")

    assert done.returncode == 0, done.stderr
    assert squeezed(done.stdout) == [
        "producer lesson01.orders",
        "A-0001 |-publish->|",
        "producer lesson01.orders consumer",
        "A-0001 | |-deliver->|",
        "A-0001 | |<-ack-|",
    ]
    assert "producer: placed A-0001" in done.stderr


def test_arrows_end_at_the_bars_of_those_who_speak(journey: Journey) -> None:
    done = journey(CONFIRMS, "python producer.py --count 1", "python consumer.py", "--quiet")

    heading = next(line for line in done.stdout.splitlines() if "consumer" in line)
    deliver = next(line for line in done.stdout.splitlines() if "deliver" in line)
    arrived = deliver.index(">|") + 1
    assert heading.index("consumer") < arrived < heading.index("consumer") + len("consumer")


def test_whoever_waits_first_is_started_beside_the_next(journey: Journey) -> None:
    done = journey(FIRST, "python consumer.py --limit 2", "python producer.py --count 2")

    assert done.returncode == 0, done.stderr
    told = [line.split()[0] for line in done.stdout.splitlines() if "ack-" in line]
    assert told == ["A-0001", "A-0002"]


@pytest.mark.parametrize("programs", [4, 6])
def test_fits_80_columns_and_is_plain_in_a_pipe(journey: Journey, programs: int) -> None:
    both = ["python producer.py --count 1", "python consumer.py"]
    done = journey(CONFIRMS, *(both * (programs // 2)), "--all", "--quiet")

    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout
    assert "consumer-2" in done.stdout
    assert done.stderr == ""


def test_an_order_has_a_colour_unless_somebody_minds(journey: Journey) -> None:
    lines = journey(FIRST, "python producer.py --count 2", FORCE_COLOR="1").stdout.splitlines()
    colours = {COLOUR.search(line)[0] for line in lines if "publish" in line}
    assert len(colours) == 2

    assert not COLOUR.search(journey(FIRST, "python producer.py", FORCE_COLOR="1", NO_COLOR="1").stdout)


def test_only_one_order(journey: Journey) -> None:
    done = journey(FIRST, "python producer.py", "python consumer.py --limit 3", "--only", "A-0002")

    assert [line.split()[0] for line in done.stdout.splitlines() if "|-" in line or "-|" in line] == [
        "A-0002"
    ] * 3
    assert "A-0001" not in done.stdout


def test_what_is_left_out_is_shown_on_request(journey: Journey) -> None:
    programs = ["python producer.py --count 1", "python consumer.py --limit 1"]

    assert "declare" not in journey(FIRST, *programs).stdout
    everything = journey(FIRST, *programs, "--all").stdout
    assert "declare-queue" in everything
    assert "consume-ok" in everything


def test_a_channel_closed_by_the_broker_is_told(journey: Journey) -> None:
    done = journey(CONFIRMS, "python producer.py --exchange lesson03.oders --count 1", "--quiet")

    assert "* channel closed: 404 NOT_FOUND" in done.stdout
    assert done.returncode == 1
    assert done.stderr.startswith("producer ended with status 1: Error: The broker said NOT_FOUND")
    assert len(done.stderr.splitlines()) == 1


def test_an_order_that_spins_is_not_drawn_for_ever(journey: Journey) -> None:
    consumer = "python consumer.py --requeue --tries 100"
    done = journey(DEAD_LETTERS, "python producer.py --bad 1 --count 1", consumer, "--quiet")

    lines = squeezed(done.stdout)
    spin = ["A-0001 | |-redelivered->|", "A-0001 | |<-reject requeue-|"]
    start = lines.index(spin[0])
    assert lines[start : start + 6] == spin * 3
    assert lines[start + 6] == "... the last 2 lines again and again:"
    rounds = re.fullmatch(r"\.\.\. (\d+) times more", lines[start + 7])
    whole = done.stdout.count("reject requeue") + int(rounds[1])
    assert whole in (99, 100), "the last rejection may end with the program"


# --- for programs and pages


def test_json_is_one_object_a_line(journey: Journey) -> None:
    done = journey(FIRST, "python producer.py --count 2", "python consumer.py --limit 2", "--json")

    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert [step["order"] for step in steps if step["kind"] == "ack"] == ["A-0001", "A-0002"]
    assert steps[0]["from"] == {"kind": "program", "name": "producer"}
    assert steps[0]["to"] == {"kind": "queue", "name": "lesson01.orders"}
    assert sorted(step["seq"] for step in steps) == [step["seq"] for step in steps]


def test_mermaid(journey: Journey) -> None:
    done = journey(CONFIRMS, "python producer.py --count 1", "--mermaid", "--quiet")

    assert done.stdout.splitlines() == [
        "sequenceDiagram",
        "  participant p1 as producer",
        "  participant p2 as lesson03.orders",
        "  p1->>p2: publish A-0001 (order.created)",
        "  p2-->>p1: confirm A-0001",
    ]
    assert done.stderr == ""


def test_mermaid_text_is_only_text() -> None:
    assert escaped("A-0001") == "A-0001"
    assert escaped("a;b#c\u0060\u0060\u0060<x>%%") == "a#59;b#35;c#96;#96;#96;#60;x#62;#37;#37;"
    assert escaped("end") == "#101;#110;#100;"


NASTY = """
import pika
from connection import connect

with connect() as connection:
    properties = pika.BasicProperties(message_id="<&\\x1b[31m>")
    connection.channel().basic_publish("", "nobody", b"", properties)
"""


def test_svg_is_well_formed_and_says_the_same(journey: Journey, folder_of, tmp_path: Path) -> None:
    (folder_of(FIRST) / "nasty.py").write_text(NASTY)
    done = journey(FIRST, "python producer.py --count 1", "python nasty.py", "--svg", str(tmp_path / "x.svg"))

    assert "\x1b" not in done.stdout
    texts = [node.text for node in ET.parse(tmp_path / "x.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert "publish A-0001" in texts
    assert "publish <&?[31m>" in texts
    assert {"producer", "lesson01.orders"} <= set(texts)


def test_svg_that_cannot_be_written_is_one_sentence(journey: Journey) -> None:
    done = journey(FIRST, "python producer.py --count 1", "--quiet", "--svg", "/nowhere/x.svg")
    assert done.returncode == 1
    assert is_one_sentence(done)


# --- what goes wrong


def test_a_killed_consumer_and_who_gets_its_order(journey: Journey) -> None:
    done = journey(
        ACKS,
        "--kill",
        "consumer",
        "python producer.py --count 1",
        "python consumer.py --seconds 0",
        "python consumer.py --seconds 0 --limit 1",
    )

    assert done.returncode == 0, done.stderr
    assert squeezed(done.stdout)[3:] == [
        "A-0001 | |-deliver->|",
        "A-0001 | | x-ack-|",
        "A-0001 | | * killed",
        "producer lesson02.orders consumer consumer-2",
        "A-0001 | |-redelivered->|",
        "A-0001 | |<-ack-|",
    ]


def test_words_for_a_cut(perform: Perform) -> None:
    events = events_of(
        perform(
            ACKS,
            "python producer.py --count 2",
            "python consumer.py --seconds 0",
            "python consumer.py --seconds 0 --limit 2",
            faults=(Fault(When("ack", program="consumer"), Cut()),),
        )
    )

    assert journey_of(events, "A-0001") == (
        "A-0001 published · delivered to consumer · ack cut · redelivered to consumer-2 · acked"
    )
    assert journey_of(events, "A-0002") == (
        "A-0002 published · delivered to consumer · consumer's connection cut"
        " · redelivered to consumer-2 · acked"
    )
    assert journey_of(events, "A-0003") == "A-0003 never passed the wire"


def test_words_for_a_confirm_that_is_cut_off(perform: Perform) -> None:
    faults = (Fault(When("publish", nth=2), CutAfter()),)
    events = observed(perform(CONFIRMS, "python producer.py --count 2", "python consumer.py", faults=faults))

    assert journey_of(events, "A-0001") == "A-0001 published · confirmed · delivered to consumer · acked"
    assert journey_of(events, "A-0002") == (
        "A-0002 published · confirm cut · published again · confirmed"
        " · delivered to consumer · acked · delivered to consumer · acked"
    )


def test_words_for_a_confirm_that_never_comes(perform: Perform) -> None:
    performance = perform(
        CONFIRMS, "python producer.py --count 1", faults=(Fault(When("confirm"), Hold(seconds=60)),)
    )

    assert journey_of(stopped_at_fault(performance), "A-0001") == "A-0001 published · confirm never arrived"


def test_words_for_a_cut_after_the_delivery(perform: Perform) -> None:
    lines = ["python producer.py --count 1", *["python consumer.py --limit 1 --seconds 0"] * 2]
    fault = Fault(When("deliver"), CutAfter())

    assert journey_of(events_of(perform(ACKS, *lines, faults=(fault,))), "A-0001") == (
        "A-0001 published · delivered to consumer · consumer's connection cut"
        " · redelivered to consumer-2 · acked"
    )


def test_words_for_another_event_about_the_same_order(perform: Perform) -> None:
    programs = ["python producer.py --count 1", "python hopeful_producer.py --count 1"]
    events = events_of(perform(CONFIRMS, *programs, "python hopeful_producer.py --count 1"))

    assert journey_of(events, "A-0001") == (
        "A-0001 published · confirmed · published by hopeful_producer · published by hopeful_producer-2"
    )


def test_words_for_a_program_that_publishes_to_several_places(perform: Perform, folder_of) -> None:
    (folder_of(FIRST) / "mover.py").write_text(MOVER, encoding="utf-8")
    events = events_of(perform(FIRST, "python mover.py", "python producer.py --count 1"))

    assert journey_of(events, "A-0001") == (
        "A-0001 published to wait.200 · published to wait.400 · published again to wait.400"
        " · published by producer to lesson01.orders"
    )


MOVER = """
from connection import connect

with connect() as connection:
    channel = connection.channel()
    for queue in ("wait.200", "wait.400", "wait.400"):
        channel.basic_publish("", queue, b'{"order_id": "A-0001"}')
"""


def test_words_for_several_types_of_event_about_an_order(perform: Perform) -> None:
    programs = ["billing: python consumer.py billing order.* payment.* --limit 2"]
    shop = "shop: bash -c 'echo Alice | python producer.py --count 1'"
    events = observed(perform(TOPICS, *programs, shop))

    journey = journey_of(events, "A-0001")
    assert journey.startswith("A-0001 order.created published · "), journey
    assert " · payment.completed published · " in journey, journey


def test_words_for_two_types_that_are_acked_the_other_way_round(perform: Perform, folder_of) -> None:
    (folder_of(FIRST) / "backwards.py").write_text(BACKWARDS, encoding="utf-8")
    fault = Fault(When("ack", nth=2), Kill())
    journey = journey_of(events_of(perform(FIRST, "python backwards.py", faults=(fault,))), "A-0001")

    assert journey == (
        "A-0001 order.created published · payment.completed published"
        " · order.created delivered to backwards · payment.completed delivered to backwards"
        " · acked · backwards killed before its ack of order.created"
    )


BACKWARDS = """
import json
from connection import connect

with connect() as connection:
    channel = connection.channel()
    channel.queue_declare("backwards")
    for kind in ("order.created", "payment.completed"):
        channel.basic_publish("", "backwards", json.dumps({"type": kind, "order_id": "A-0001"}).encode())
    tags = [each[0].delivery_tag for _, each in zip(range(2), channel.consume("backwards"))]
    for tag in reversed(tags):
        channel.basic_ack(tag)
    connection.process_data_events(time_limit=None)
"""


def test_words_for_what_is_repeated() -> None:
    lives = ["delivered", "vanished", *["redelivered", "vanished"] * 6]
    assert in_a_line(lives) == "delivered · vanished · 6 times (redelivered · vanished)"
    assert in_a_line([*lives, "redelivered", "acked"]) == (
        "delivered · 7 times (vanished · redelivered) · acked"
    )
    assert in_a_line(["requeued"] * 3) == "3 times (requeued)"
    assert in_a_line(["shipped", "shipped", "acked", "shipped", "shipped"]) == (
        "shipped · shipped · acked · shipped · shipped"
    )
    assert in_a_line([]) == ""


def test_words_for_what_is_dropped_returned_and_acked_automatically(perform: Perform) -> None:
    lines = ("python producer.py --count 2", "python consumer.py --auto-ack --seconds 0 --limit 1")
    events = events_of(perform(ACKS, *lines, faults=(Fault(When("deliver"), Drop()),)))
    assert journey_of(events, "A-0001") == "A-0001 published · delivery to consumer dropped"
    assert journey_of(events, "A-0002") == "A-0002 published · delivered to consumer, acked automatically"

    lines = ("python producer.py --count 2", "python consumer.py --seconds 0 --limit 1")
    events = events_of(perform(ACKS, *lines, faults=(Fault(When("deliver", about="A-0001"), Drop()),)))
    assert journey_of(events, "A-0001").endswith("delivery to consumer dropped · consumer's channel closed")

    faults = (Fault(When("confirm"), Drop()),)
    performance = perform(CONFIRMS, "python producer.py --count 1", faults=faults)
    assert journey_of(stopped_at_fault(performance), "A-0001") == "A-0001 published · confirm dropped"

    events = events_of(perform(CONFIRMS, "python producer.py --key order.craeted"))
    assert journey_of(events, "A-0001") == "A-0001 published · returned as unroutable · confirmed"


def test_words_for_a_consumer_that_is_killed_in_the_middle(perform: Perform) -> None:
    performance = perform(
        ACKS,
        "python producer.py --count 1",
        "python consumer.py --seconds 60",
        "python consumer.py --seconds 0 --limit 1",
    )
    events, process = [], 0
    for item in performance.news():
        if isinstance(item, Event):
            events.append(item)
        elif isinstance(item, Said) and "as process" in item.line and item.program == "consumer":
            process = int(re.search(r"process (\d+)", item.line)[1])
        elif isinstance(item, Said) and item.line == "packing A-0001" and item.program == "consumer":
            os.kill(process, signal.SIGKILL)

    assert journey_of(events, "A-0001") == (
        "A-0001 published · delivered to consumer · consumer vanished · redelivered to consumer-2 · acked"
    )
    assert performance.statuses["consumer"] == -signal.SIGKILL


def test_ctrl_c_ends_the_programs_and_draws_what_was_seen(
    vhost_url: str, copied: Callable[[str], Path], tmp_path: Path
) -> None:
    with subprocess.Popen(
        [*COMMAND, "python producer.py --count 1", "python consumer.py --seconds 60", "--mermaid"],
        cwd=copied(ACKS),
        env=os.environ | {"AMQP_URL": vhost_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        said = []
        for line in process.stderr:
            said.append(line)
            if "packing A-0001" in line:
                process.send_signal(signal.SIGINT)
        drawing = process.stdout.read()

    assert process.returncode == 0, said
    assert said[-1] == "stopped; what was seen is drawn\n"
    assert "consumer: stopped; what we had and had not packed goes back to the queue\n" in said
    assert "p2->>p3: deliver A-0001" in drawing
    consumer = int(re.search(r"as process (\d+)", "".join(said))[1])
    with pytest.raises(ProcessLookupError):
        os.kill(consumer, 0)


DEAF = """
import os, signal

signal.signal(signal.SIGINT, signal.SIG_IGN)
print(os.getpid())
signal.pause()
"""


def test_a_program_that_ignores_ctrl_c_is_killed_with_all_its_children(perform: Perform, folder_of) -> None:
    (folder_of(FIRST) / "deaf.py").write_text(DEAF)
    performance = perform(FIRST, 'bash -c "trap : INT; python deaf.py & wait; wait; wait"')
    for item in performance.news():
        if isinstance(item, Said):
            child = int(item.line)
            performance.stop()

    await_end(child)
    assert performance.statuses == {"bash": -signal.SIGKILL}


def test_the_next_one_does_not_wait_for_ever(vhost_url: str, folder_of) -> None:
    commands = commands_of(['python -c "import signal; signal.pause()"', "python producer.py --count 1"])
    performance = Performance(commands, vhost_url, folder_of(FIRST), patience=0.2)
    impatient = []
    for item in performance.news():
        if isinstance(item, Impatient):
            impatient.append(item.program)
        elif isinstance(item, Ended) and item.program == "producer":
            performance.stop()

    assert impatient == ["python"]
    assert performance.statuses["producer"] == 0


def test_no_such_program_is_one_sentence(journey: Journey) -> None:
    done = journey(FIRST, "pyhton producer.py")
    assert done.returncode == 1
    assert is_one_sentence(done)
    assert done.stderr.startswith("Error: cannot run pyhton (No such file or directory)")


def test_a_failing_program_passes_its_status_on(journey: Journey) -> None:
    done = journey(FIRST, 'python -c "raise SystemExit(7)"', "python producer.py --count 1")
    assert done.returncode == 7
    assert "python ended with status 7; the others go on, Ctrl-C stops them" in done.stderr.splitlines()
    assert "publish" in done.stdout


def test_a_failed_program_is_told_at_once_to_whoever_waits_for_another(
    vhost_url: str, copied: Callable[[str], Path]
) -> None:
    with subprocess.Popen(
        [*COMMAND, "python -c \"raise SystemExit('no paper')\"", "python consumer.py"],
        cwd=copied(FIRST),
        env=os.environ | {"AMQP_URL": vhost_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("consumer: waiting"):
                process.send_signal(signal.SIGINT)

    assert "python ended with status 1: no paper; the others go on, Ctrl-C stops them\n" in said
    assert said[-1] == "stopped; what was seen is drawn\n"
    assert process.returncode == 1


@pytest.mark.parametrize("arguments", [["python 'x"], [""], ["--kill", "nobody", "python x.py"], []])
def test_wrong_usage(journey: Journey, arguments: list[str]) -> None:
    done = journey(FIRST, *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_names_come_from_the_scripts() -> None:
    lines = [
        "python a/consumer.py --x y.z",
        "python3.11 consumer.py",
        "node --inspect shop.js",
        "./run",
        "sh -c true",
    ]
    assert [command.name for command in commands_of(lines)] == ["consumer", "consumer-2", "shop", "run", "sh"]


# --- the pictures on the pages


def test_a_picture_does_not_depend_on_who_was_faster(perform: Perform) -> None:
    performance = perform(ACKS, "python consumer.py --seconds 0 --limit 3", "python producer.py --count 3")
    steps = [step for step in steps_of(observed(performance)) if step.always]
    names = ["consumer", "producer"]
    picture = mermaid(in_causal_order(steps, names, performance.waiting))

    shuffle = random.Random(1)
    for _ in range(500):
        place = shuffle.randrange(len(steps) - 1)
        one, other = steps[place], steps[place + 1]
        if one.program != other.program and one.order != other.order:
            steps[place], steps[place + 1] = other, one
        assert mermaid(in_causal_order(steps, names, performance.waiting)) == picture

    told = [line.partition(": ")[2] for line in picture if ": " in line]
    assert told == [f"{what} A-000{n}" for n in (1, 2, 3) for what in ("publish", "deliver", "ack")]


def test_a_changed_picture_is_found(broker_url: str) -> None:
    lesson = find_lesson("01")
    page = lesson.page.read_text(encoding="utf-8")
    changed = pictures_of(page.replace("p3-->>p2: ack A-0002", "p3-->>p2: ack A-0003"))[0]
    assert "  p3-->>p2: ack A-0003" in changed.shown

    assert tuple(drawn(changed, lesson, broker_url)) == pictures_of(page)[0].shown != changed.shown


def test_lesson_py_records_pictures(broker_url: str, tmp_path: Path) -> None:
    project = copy_project(tmp_path, "lessons", "scripts/lesson.py")
    page = find_lesson("01", project / "lessons").page
    before = page.read_text(encoding="utf-8")
    page.write_text(before.replace("  p3-->>p2: ack A-0002\n", ""), encoding="utf-8")

    subprocess.run(
        [sys.executable, str(project / "scripts" / "lesson.py"), "record", "01"],
        env=os.environ | {"AMQP_URL": broker_url},
        capture_output=True,
        check=True,
    )

    assert page.read_text(encoding="utf-8") == before


def test_lesson_py_shows_pictures_in_words() -> None:
    shown = in_words(find_lesson("02").page.read_text(encoding="utf-8"))

    assert "3. consumer → lesson02.orders: ack A-0001, which does not arrive\n4. consumer: killed\n" in shown
    assert "sequenceDiagram" not in shown
