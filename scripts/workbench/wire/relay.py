"""The wire: listens for programs, connects them to the broker, and tells what passes."""

from __future__ import annotations

import asyncio
import queue
import socket
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pika

from workbench.wire.events import Event, event, stamp
from workbench.wire.faults import Action, Cut, Down, FaultPlan, Kill, Mute, Refuse, Slow
from workbench.wire.link import Link
from workbench.wire.lookout import Lookout

LOOPBACK = "127.0.0.1"
CONNECT_SECONDS = 10.0
BACKLOG = 128
CLOSING_ROUNDS = 3
# How long the broker may take to notice, when the wire is closed.
CLOSE_SECONDS = 2.0

Observer = Callable[[Event], None]


def bound_socket(port: int = 0) -> socket.socket:
    """A socket that has a port on loopback, a free one unless it is named; who connects there is refused."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # The port is shared by those of this user who say so, and with SO_REUSEADDR it would be by others too.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((LOOPBACK, port))
    return bound


def listening_socket(port: int) -> socket.socket:
    """A socket that listens at a port which a `bound_socket` has; to accept from it never waits."""
    listener = bound_socket(port)
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def url_through(upstream_url: str, port: int) -> str:
    """The upstream URL with the wire's address for the broker's; same user, password and vhost, no TLS."""
    parts = urlsplit(upstream_url)
    user, at, _ = parts.netloc.rpartition("@")
    query = urlencode([(key, value) for key, value in parse_qsl(parts.query) if key != "ssl_options"])
    return urlunsplit(("amqp", f"{user}{at}{LOOPBACK}:{port}", parts.path, query, ""))


def upstream_parameters(url: str) -> pika.URLParameters:
    """What pika reads from this URL. Raises ValueError, without the URL in it: there is a password there."""
    try:
        return pika.URLParameters(url)
    except (ValueError, TypeError, KeyError):
        reason = "the broker's URL cannot be read; it should look like amqp://user:password@host:5672/vhost"
    raise ValueError(reason)


class Program:
    """What the relay knows of one program."""

    def __init__(self, name: str) -> None:
        self.name = name
        # Kept while nothing listens: somebody else's connection would take the port for its own end.
        self.place = bound_socket()
        self.port = self.place.getsockname()[1]
        self.links: list[Link] = []
        self.connections = 0
        self.refusals = 0
        self.pace: float | None = None
        """Seconds between two deliveries."""
        self._next_turn = 0.0

    def wait_for_turn(self, now: float) -> float:
        """Seconds until the program may have its next delivery; 0 takes the turn."""
        if not self.pace:
            return 0
        if now < self._next_turn:
            return self._next_turn - now
        self._next_turn = now + self.pace
        return 0


class Relay:
    """All that happens on the wire's own thread, in one asyncio loop."""

    def __init__(
        self, upstream: pika.URLParameters, plan: FaultPlan, kill: Callable[[str], None] | None
    ) -> None:
        self.loop: asyncio.AbstractEventLoop
        self.lookout = Lookout(plan)
        self.events: queue.SimpleQueue[list[Event] | None] = queue.SimpleQueue()
        self._upstream = upstream
        self._kill = kill
        self._started = time.monotonic()
        self._programs: dict[str, Program] = {}
        self._listeners: dict[str, socket.socket] = {}
        self._arriving: set[asyncio.Task] = set()
        self._tasks: set[asyncio.Task] = set()
        self._told = 0
        self._batch: list[Event] = []
        self._failure: BaseException | None = None
        self._stop: asyncio.Event
        self._quiet: asyncio.Event

    async def run(self, ready: Future) -> None:
        """Relay until `stop`. Raises what went wrong in the relay or in the kill callback."""
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._quiet = asyncio.Event()
        self.loop.set_exception_handler(self._has_failed)
        ready.set_result(None)
        try:
            await self._stop.wait()
        finally:
            await self._close()
        if self._failure:
            raise self._failure

    def stop(self) -> None:
        """End `run`."""
        self._stop.set()

    async def listen(self, name: str) -> int:
        """Accept this program's connections; the port where."""
        program = self._programs[name] = Program(name)
        self._open(program)
        return program.port

    # Not an asyncio server: one that is closed forgets the connections that it has just accepted, and whoever
    # made them waits for an answer.

    def _open(self, program: Program) -> None:
        if not self._stop.is_set():
            listener = self._listeners[program.name] = listening_socket(program.port)
            self.loop.add_reader(listener, self._accept, listener, program)

    def _accept(self, listener: socket.socket, program: Program) -> None:
        try:
            connection, _address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # it has gone again
            return
        arriving = self.spawn(self._let_in(connection, program))
        self._arriving.add(arriving)
        arriving.add_done_callback(self._arriving.discard)

    async def _let_in(self, connection: socket.socket, program: Program) -> None:
        try:
            await self.loop.connect_accepted_socket(lambda: Link(self, program).near, connection)
        except OSError:  # it has gone again, on systems that then set no options
            connection.close()

    def _shut(self, program: Program) -> bool:
        """Whether it was open until now."""
        listener = self._listeners.pop(program.name, None)
        if listener is None:
            return False
        self.loop.remove_reader(listener)
        listener.close()
        return True

    async def _close(self) -> None:
        for program in self._programs.values():
            self._shut(program)
            program.place.close()
        if self._arriving:
            await asyncio.wait(self._arriving)
        self._quiet.clear()
        for link in self._links():
            link.cut()
        if self._links():
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._quiet.wait(), CLOSE_SECONDS)
        for link in self._links():
            link.abort()
        # The loop tells of lost connections, and that makes the last events, in its next rounds.
        for _ in range(CLOSING_ROUNDS):
            await asyncio.sleep(0)
        self._flush()

    def _links(self) -> list[Link]:
        return [link for program in self._programs.values() for link in program.links]

    def spawn(self, coroutine: Coroutine) -> asyncio.Task:
        """Run this beside everything else; its failure is the relay's."""
        task = self.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._is_done)
        return task

    def _is_done(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            self._fail(task.exception())

    def _has_failed(self, _loop: asyncio.AbstractEventLoop, context: dict) -> None:
        self._fail(context.get("exception") or RuntimeError(context["message"]))

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._stop.set()

    # Connections

    def accepted(self, link: Link) -> None:
        """A program has connected."""
        program = link.program
        if program.name not in self._listeners:  # shut while this one was on its way in
            link.refuse()
            return
        if program.refusals:
            program.refusals -= 1
            link.refuse()
            return
        program.connections += 1
        program.links.append(link)
        link.accept(program.connections)

    def ended(self, link: Link) -> None:
        """Both ends of a link are gone."""
        link.program.links.remove(link)
        if not self._links():
            self._quiet.set()

    async def open_upstream(self, link: Link) -> None:
        """Connect this link to the broker."""
        try:
            await asyncio.wait_for(self._connect(link), CONNECT_SECONDS)
        except asyncio.TimeoutError:
            link.unreachable(f"the broker did not answer in {CONNECT_SECONDS:g} s")
        except OSError as error:
            link.unreachable(f"the broker cannot be reached: {error}")

    async def _connect(self, link: Link) -> None:
        upstream, tls = self._upstream, {}
        if upstream.ssl_options:
            name = upstream.ssl_options.server_hostname or upstream.host
            tls = {"ssl": upstream.ssl_options.context, "server_hostname": name}
        await self.loop.create_connection(lambda: link.far, upstream.host, upstream.port, **tls)

    # Faults that are more than one connection's

    def apply(self, action: Action, program: Program) -> None:
        """Do to this program, as a whole, what the action says."""
        if isinstance(action, Slow):
            program.pace = 1 / action.per_second
        elif isinstance(action, Down):
            self._down(action, program)
        elif isinstance(action, Mute):
            for link in program.links:
                link.mute()
        else:
            self._cut_off(action, program)

    def strike(self, action: Action, name: str) -> None:
        """The same, for a program by its name, and tell of it."""
        self._tell_program(name, action)
        self.apply(action, self._programs[name])

    def _cut_off(self, action: Action, program: Program) -> None:
        if isinstance(action, Kill):
            self._kill_program(program)
        if isinstance(action, Refuse):
            program.refusals = action.tries or 0
            if action.seconds is not None:
                self._refuse(program, action.seconds)
        for link in list(program.links):
            link.cut()

    def _kill_program(self, program: Program) -> None:
        if self._kill is None:
            self._fail(RuntimeError("a fault should kill the program, but the Wire was given no `kill`"))
            return
        try:
            self._kill(program.name)
        except OSError as error:
            # asyncio would take it for an error of the socket that it reads just now, and not report it.
            self._fail(error)

    def _down(self, action: Down, struck: Program) -> None:
        for program in self._programs.values():
            if program is not struck:
                self._tell_program(program.name, action)
            self._refuse(program, action.seconds)
            for link in list(program.links):
                if action.announced:
                    link.force_close()
                else:
                    link.cut()

    def _refuse(self, program: Program, seconds: float) -> None:
        if self._shut(program):
            self.loop.call_later(seconds, self._open, program)

    # Telling

    def tell(self, link: Link, action: Action, struck: Event, remark: str = "") -> None:
        """Tell that a fault has struck."""
        details = {"action": action.name, "struck": struck.seq}
        where = {"channel": struck.channel, "direction": struck.direction}
        origin = {"program": link.program.name, "connection": link.number, **where}
        self._tell(event(kind="fault", text=f"{action}{remark}", details=details, **origin))

    def _tell_program(self, name: str, action: Action) -> None:
        self._tell(event(kind="fault", program=name, text=str(action), details={"action": action.name}))

    def emit(self, drafted: Event, passed: bool = True) -> None:
        """Tell of an event, now that it is decided whether it passes."""
        self._tell(drafted, passed)
        if passed:
            self.lookout.has_passed(drafted)

    def _tell(self, drafted: Event, passed: bool = True) -> None:
        self._told += 1
        stamp(drafted, self._told, time.monotonic() - self._started, passed)
        if not self._batch:
            # One hand-over for all that one round of the loop brings.
            self.loop.call_soon(self._flush)
        self._batch.append(drafted)

    def _flush(self) -> None:
        if self._batch:
            self.events.put(self._batch)
            self._batch = []


class Wire:
    """A relay between programs and a broker that tells what passes, and can disturb it.

        with Wire("amqp://guest:guest@localhost/", observer=print) as wire:
            os.environ["AMQP_URL"] = wire.address_for("consumer")
            subprocess.run(["python", "consumer.py"])

    `observer` is called with each Event, one at a time and in order, on a thread of its own: however slow it
    is, it does not hold up the traffic. It must not close the wire. When it raises, it is not called again,
    the traffic goes on, and closing the wire raises its error. `kill` is called with the name of the program
    that a Kill is about, on the wire's own thread, and should end it by SIGKILL. When that raises, or the
    relay itself does, all connections end, and closing the wire raises the error.

    Raises ValueError for a URL that cannot be read.
    """

    def __init__(
        self,
        upstream_url: str,
        plan: FaultPlan | None = None,
        observer: Observer | None = None,
        kill: Callable[[str], None] | None = None,
    ) -> None:
        self._relay = Relay(upstream_parameters(upstream_url), plan or FaultPlan(), kill)
        self._upstream_url = upstream_url
        self._observer = observer
        self._ports: dict[str, int] = {}
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="wire")
        self._running: list[Future] = []

    def __enter__(self) -> Wire:
        """Start; programs can connect from `address_for` on."""
        ready: Future = Future()
        self._running = [
            self._threads.submit(lambda: asyncio.run(self._relay.run(ready))),
            self._threads.submit(self._observe),
        ]
        ready.result()
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Close."""
        self.close()

    def address_for(self, program: str) -> str:
        """The AMQP URL that makes a program of this name speak through the wire: its AMQP_URL.

        It has the password in it, as the upstream URL has.
        """
        if program not in self._ports:
            listening = asyncio.run_coroutine_threadsafe(self._relay.listen(program), self._relay.loop)
            self._ports[program] = listening.result(CONNECT_SECONDS)
        return url_through(self._upstream_url, self._ports[program])

    def strike(self, program: str, action: Action) -> None:
        """Do this to a program now, whatever passes: Cut, Kill, Mute, Refuse, Slow or Down.

        Returns before it is done; observers are told when it is. Raises ValueError for another action, or
        for a program that never asked for its address.
        """
        if program not in self._ports:
            raise ValueError(f"no program is called {program!r} here")
        if not isinstance(action, (Cut, Kill, Mute, Refuse, Slow, Down)):
            raise ValueError(f"{action.name} needs an event to be done to: put it into a plan")  # noqa: TRY004
        self._relay.loop.call_soon_threadsafe(self._relay.strike, action, program)

    def close(self) -> None:
        """End all connections and threads; all events are observed first. Raises what the observer raised."""
        if not self._running:
            return
        relaying, observing = self._running
        self._running = []
        if not relaying.done():
            self._relay.loop.call_soon_threadsafe(self._relay.stop)
        try:
            relaying.result()
        finally:
            self._relay.events.put(None)
            self._threads.shutdown()
        observing.result()

    def _observe(self) -> None:
        for batch in iter(self._relay.events.get, None):
            if self._observer:
                for each in batch:
                    self._observer(each)
