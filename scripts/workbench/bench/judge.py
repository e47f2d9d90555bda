"""Play a lesson's scenarios against a program, and say which promises it keeps."""

import importlib.util
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from pika.exceptions import AMQPError, ConnectionBlockedTimeout

from workbench.bench.bench import Bench, Broken, CannotJudge, Promise, Setting
from workbench.bench.program import Run
from workbench.broker import probe
from workbench.guard import Guard, delete_names
from workbench.lessons import Lesson
from workbench.management import Management, ManagementError
from workbench.typed import typed
from workbench.wire import FaultPlan

AT_ONCE = 3


@dataclass(frozen=True)
class Scenario:
    """A function of a lesson's check.py that puts a program to the test, and the faults that it plans."""

    play: Callable[[Bench], None]
    plan: FaultPlan

    @property
    def words(self) -> str:
        """What happens in it: the first line of the function's docstring."""
        return self.play.__doc__.strip().splitlines()[0].rstrip(".")


@dataclass(frozen=True)
class Finding:
    """How one scenario ended: what it came to demand, and what was broken or why it could not be judged.

    `failures` are the runs in which the program failed by itself.
    """

    scenario: Scenario
    demanded: frozenset[Promise] = frozenset()
    broken: Broken | None = None
    unjudged: CannotJudge | None = None
    failures: Sequence[Run] = ()


@dataclass(frozen=True)
class Verdict:
    """All findings of one check, and the seconds that it took."""

    findings: Sequence[Finding]
    promises: Sequence[Promise]
    seed: int
    seconds: float

    @property
    def unjudged(self) -> Finding | None:
        """The first scenario that could not be judged, if any."""
        return next((finding for finding in self.findings if finding.unjudged), None)

    @property
    def word(self) -> str:
        """The verdict in a word: kept, broken or unjudged."""
        return "unjudged" if self.unjudged else "broken" if self.broken else "kept"

    @property
    def exit_status(self) -> int:
        """The verdict as a number: 0 kept, 1 broken, 2 unjudged."""
        return ["kept", "broken", "unjudged"].index(self.word)

    @property
    def kept(self) -> set[Promise]:
        """The promises that were put to the test, and held each time."""
        return {promise for finding in self.findings for promise in finding.demanded} - set(self.broken)

    @property
    def broken(self) -> dict[Promise, Finding]:
        """The promises that were broken, each with the first scenario that showed it."""
        found: dict[Promise, Finding] = {}
        for finding in self.findings:
            if finding.broken:
                found.setdefault(finding.broken.promise, finding)
        return found


class Exercise:
    """What a lesson's check.py says: PROMISES, SCENARIOS (function: plan), QUEUES and EXCHANGES.

    Raises FileNotFoundError where the lesson has none.
    """

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        module = load(lesson.folder / "check.py")
        self.promises: Sequence[Promise] = module.PROMISES
        self.scenarios = [Scenario(play, plan) for play, plan in module.SCENARIOS.items()]
        self.queues: Sequence[str] = module.QUEUES
        self.exchanges: Sequence[str] = module.EXCHANGES


def load(path: Path) -> ModuleType:
    """A lesson's check.py as a module."""
    spec = importlib.util.spec_from_file_location(f"check_{path.parent.name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Judge:
    """Judges one program: `Judge(exercise, command, url, seed).verdict()`.

    `began` and `ended` are told of each scenario, on the thread that plays it.
    """

    def __init__(self, exercise: Exercise, command: Sequence[str], url: str, seed: int) -> None:
        self.exercise = exercise
        self.command = command
        self.url = url
        self.seed = seed
        self.began: Callable[[Scenario], None] = lambda _scenario: None
        self.ended: Callable[[Finding], None] = lambda _finding: None
        self.own_vhosts = may_make_vhosts(url)
        self._interrupted = False
        self._hopeless: CannotJudge | None = None
        self._benches: list[Bench] = []

    def verdict(self) -> Verdict:
        """Play all scenarios, some at once where each can have a vhost of its own."""
        start = time.monotonic()
        with Guard(self.url) as guard, ThreadPoolExecutor(AT_ONCE if self.own_vhosts else 1) as pool:
            try:
                findings = list(
                    pool.map(lambda scenario: self._find(scenario, guard), self.exercise.scenarios)
                )
            except KeyboardInterrupt:
                self._interrupted = True
                pool.shutdown(wait=False, cancel_futures=True)
                for bench in self._benches:
                    bench.stop()
                raise
        return Verdict(findings, self.exercise.promises, self.seed, time.monotonic() - start)

    def _find(self, scenario: Scenario, guard: Guard) -> Finding:
        if self._hopeless:  # one that cannot be judged is enough: the others would take as long, for nothing
            return Finding(scenario, unjudged=self._hopeless)
        self.began(scenario)
        try:
            finding = self._play(scenario, self._bench(scenario, guard))
        except ManagementError as error:
            finding = Finding(scenario, unjudged=CannotJudge(error.message))
        except AMQPError as error:
            finding = Finding(scenario, unjudged=own_connection_failed(error))
        finding = blaming_the_broker(finding, self.url)
        self._hopeless = self._hopeless or finding.unjudged
        self.ended(finding)
        return finding

    def _bench(self, scenario: Scenario, guard: Guard) -> Bench:
        bench = Bench(self._setting(guard), self.command, self.exercise.lesson.folder, scenario.plan)
        self._benches.append(bench)
        return bench

    def _play(self, scenario: Scenario, bench: Bench) -> Finding:
        broken = unjudged = None
        if self._interrupted:
            bench.stop()
        try:
            with bench.running():
                scenario.play(bench)
        except Broken as error:
            broken = error
        except CannotJudge as error:
            unjudged = error
        except AMQPError as error:
            unjudged = own_connection_failed(error)
        if (broken or unjudged) and bench.was_blocked():
            broken, unjudged = None, blocked()
        return Finding(scenario, frozenset(bench.demanded), broken, unjudged, bench.failures())

    def _setting(self, guard: Guard) -> Setting:
        """A place that nobody has used; the guard knows of all of it before it is made."""
        token = secrets.token_hex(6)
        guard.marked(token)
        folder = guard.folder(f"rabbit-holes-check-{token}")
        return Setting(self._clean_url(token, guard), folder, token, self.seed)

    def _clean_url(self, token: str, guard: Guard) -> str:
        if not self.own_vhosts:
            guard.names(self.exercise.queues, self.exercise.exchanges)
            delete_names(self.url, self.exercise.queues, self.exercise.exchanges)
            return self.url
        return guard.vhost(f"check-{token}")


def own_connection_failed(error: AMQPError) -> CannotJudge:
    """What failed was not the program's."""
    if isinstance(error, ConnectionBlockedTimeout):
        return blocked()
    return CannotJudge(f"the bench's own connection to the broker failed: {error!r}")


def blocked() -> CannotJudge:
    """The broker waits for room, and everybody for the broker."""
    return CannotJudge(
        "the broker is short of memory or disk, and takes nothing from publishers: see which with "
        f"`{typed('broker.py status')}`, and make room for it"
    )


def blaming_the_broker(finding: Finding, url: str) -> Finding:
    """The finding, unless it is a bad one and no broker answers any more: that is not the program's fault."""
    if not (finding.broken or finding.unjudged):
        return finding
    try:
        probe.ask(url)
    except probe.NoAnswer as silence:
        why = CannotJudge(f"the broker went away in the middle of the check, as {silence.message}")
        return replace(finding, broken=None, unjudged=why)
    return finding


def may_make_vhosts(url: str) -> bool:
    """Whether the URL's user may make vhosts, and there is a management API to do it with."""
    try:
        return "administrator" in Management.of(url).get("whoami")["tags"]
    except ManagementError:
        return False
