"""One connection of a program: two sockets, and what is decided about each frame between them."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import pika.frame
from pika import spec

from workbench.wire.conversation import Conversation
from workbench.wire.events import TO_BROKER, TO_PROGRAM, Event, event
from workbench.wire.faults import Cut, CutAfter, Drop, Fault, Hold, Mute, Slow
from workbench.wire.frames import METHOD, Frame, FrameSplitter, NotAMQP

if TYPE_CHECKING:
    from workbench.wire.relay import Program, Relay

# How long an end that was told goodbye may take to go.
FAREWELL_SECONDS = 5.0
# How long the broker may take to say that it has handled what it got.
PROOF_SECONDS = 5.0
# Without effect, known to every version, and answered when all before it on the channel has been handled.
QUESTION = spec.Channel.Flow(True)
ANSWER = spec.Channel.FlowOk.INDEX

RESET_AT_CLOSE = struct.pack("ii", 1, 0)
CLOSE_OK = pika.frame.Method(0, spec.Connection.CloseOk()).marshal()
FORCED = spec.Connection.Close(
    320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'", 0, 0
)


class End(asyncio.Protocol):
    """One socket of a link; `says` is the direction of what is read from it."""

    def __init__(self, link: Link, says: str) -> None:
        self._link = link
        self.says = says
        self._lost = False
        self._transport: asyncio.Transport | None = None
        self._leaving = False
        self._unsent: list[bytes] = []
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Called by asyncio."""
        self._transport = transport
        self._link.made(self)
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        if not self._leaving:
            self._link.read(self.says, data)
        elif CLOSE_OK in data:
            self._say_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._lost = True
        if self._deadline:
            self._deadline.cancel()
        self._link.lost(self)

    def pause_writing(self) -> None:
        """Called by asyncio: this end reads too slowly, so the other one must not be read faster."""
        self._link.other(self).pause()

    def resume_writing(self) -> None:
        """Called by asyncio."""
        self._link.other(self).resume()

    def is_gone(self) -> bool:
        """Whether there is no socket any more, or never was."""
        return self._lost or self._transport is None

    def pause(self) -> None:
        """Read no more for now."""
        if self._transport:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._transport:
            self._transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Send these bytes with all others of this round of the loop; in vain where the end is gone."""
        if not self._unsent:
            self._link.relay.loop.call_soon(self.flush)
        self._unsent.append(data)

    def flush(self) -> None:
        """Send at once what was written; what comes before there is a socket waits for it."""
        if self._transport is None:
            return
        unsent, self._unsent = self._unsent, []
        if unsent and not self._leaving:
            self._transport.write(b"".join(unsent))

    def reset(self) -> None:
        """End it at once, so that the other side reads a reset."""
        self.flush()
        if not self.is_gone():
            self._transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE
            )
            self._transport.abort()

    def finish(self, last_words: bytes = b"") -> None:
        """Let all arrive that was written, then end it.

        Closing a socket that has unread bytes discards what was sent last: so say EOF, and read on until the
        other side is gone as well. After last words it is the other side that closes first.
        """
        if self._leaving or self.is_gone():
            return
        self._unsent.append(last_words)
        self.flush()
        self._leaving = True
        self._deadline = self._link.relay.loop.call_later(FAREWELL_SECONDS, self._transport.abort)
        self.resume()
        if not last_words:
            self._say_eof()

    def _say_eof(self) -> None:
        if not self._transport.can_write_eof():
            self._transport.close()
            return
        try:
            self._transport.write_eof()
        except OSError:
            # The other side has reset it already.
            self._transport.abort()


class Lane:
    """One direction of a link."""

    def __init__(self, direction: str, target: End) -> None:
        self.direction = direction
        self.target = target
        self.splitter = FrameSplitter()
        self.opaque = False
        # The frames so far of a message that is not decided yet, by channel.
        self.partial: dict[int, list[bytes]] = {}
        # What waits behind something that is held back, by channel.
        self.waiting: dict[int, deque[Frame]] = {}


class Proof(NamedTuple):
    """What a cut_after waits for: the broker's answer to a publish."""

    fault: Fault
    struck: Event

    def given_by(self, heard: Event) -> bool:
        """Whether the broker has handled what was sent to it, or never will."""
        if heard.kind in ("connection-close", "channel-close"):
            return heard.channel in (0, self.struck.channel)
        return heard.kind in ("confirm", "confirm-nack") and self.struck in heard.covers


class Link:
    """One connection of one program, from accept until both ends are gone."""

    def __init__(self, relay: Relay, program: Program) -> None:
        self.relay = relay
        self.program = program
        self.number = 0
        self.near = End(self, says=TO_BROKER)
        self.far = End(self, says=TO_PROGRAM)
        self._lanes = {TO_BROKER: Lane(TO_BROKER, self.far), TO_PROGRAM: Lane(TO_PROGRAM, self.near)}
        self._conversation = Conversation(program.name, 0)
        self._opening: asyncio.Task | None = None
        self._over = False
        self._muted = False
        self._proof: Proof | None = None
        self._leaving_broker = False
        self._unanswered: set[int] = set()

    # What asyncio tells the ends

    def other(self, end: End) -> End:
        """The end on the other side."""
        return self.far if end is self.near else self.near

    def made(self, end: End) -> None:
        """A socket is there."""
        if end is self.near:
            self.relay.accepted(self)
        elif self._over:
            end.reset()

    def accept(self, number: int) -> None:
        """The program may connect, as its connection with this number."""
        self.number = number
        self._conversation = Conversation(self.program.name, number)
        moment = self._event(kind="connect", direction=TO_BROKER)
        fault = self.relay.lookout.strike(moment)
        self.relay.emit(moment)
        self._opening = self.relay.spawn(self.relay.open_upstream(self))
        if fault:
            self._strike_connection(fault, moment)

    def refuse(self) -> None:
        """Turn the program away."""
        self._over = True
        self.relay.emit(self._event(kind="refused", direction=TO_PROGRAM))
        self.near.reset()

    def unreachable(self, reason: str) -> None:
        """There is no broker: the program is cut off."""
        self._over = True
        self.relay.emit(self._event(kind="unreachable", direction=TO_PROGRAM, text=reason))
        self.near.reset()

    def lost(self, end: End) -> None:
        """A socket is gone: so must the other one be."""
        if not self._over and not self._conversation.closing:
            self.relay.emit(self._event(kind="vanished", direction=end.says))
        self._over = True
        self._stop_opening()
        if self.other(end).is_gone():
            self._end()
        elif end is self.near:
            self._leave_broker()
        else:
            self.near.finish()

    def _end(self) -> None:
        if self in self.program.links:
            self.relay.emit(self._event(kind="ended"))
            self.relay.ended(self)

    def _stop_opening(self) -> None:
        if self._opening:
            self._opening.cancel()

    # What passes

    def read(self, direction: str, data: bytes) -> None:
        """Bytes have come from one end."""
        lane = self._lanes[direction]
        if self._unanswered and direction == TO_PROGRAM:
            self._look_for_answers(lane, data)
        if self._deaf(direction):
            return
        if lane.opaque:
            lane.target.write(data)
            return
        try:
            raw, frames = lane.splitter.feed(data)
        except NotAMQP as error:
            lane.opaque = True
            lane.target.write(lane.splitter.rest())
            self.relay.emit(self._event(kind="garbled", direction=direction, text=str(error)))
            return
        if self._undisturbed(lane):
            self._forward(lane, raw, frames)
        else:
            self._consider_each(lane, deque(frames))

    def _deaf(self, direction: str) -> bool:
        """Whether nothing from there passes any more."""
        return self._over or self._muted or (self._proof is not None and direction == TO_BROKER)

    def _undisturbed(self, lane: Lane) -> bool:
        """Whether no fault can have to do with what is read now, so that it may pass before it is decoded."""
        if self._proof or lane.waiting or lane.partial:
            return False
        if self.program.pace and lane.direction == TO_PROGRAM:
            return False
        return not self.relay.lookout.watching(self.program.name, lane.direction)

    def _forward(self, lane: Lane, raw: bytes, frames: list[Frame]) -> None:
        if raw:
            # Whole frames only: the wire's own ones can then follow at any time.
            lane.target.write(raw)
            lane.target.flush()
        for frame in frames:
            heard = self._conversation.hear(lane.direction, frame)
            if heard is not None:
                self._has_passed(heard)

    def _consider_each(self, lane: Lane, frames: deque[Frame]) -> None:
        while frames and not self._deaf(lane.direction):
            frame = frames.popleft()
            if frame.channel in lane.waiting:
                lane.waiting[frame.channel].append(frame)
            else:
                self._consider(lane, frame)

    def _consider(self, lane: Lane, frame: Frame) -> None:
        heard = self._conversation.hear(lane.direction, frame)
        # None of a message passes before all of it is there. What a fault may strike is watched from its
        # first frame on, for a plan only ever becomes less.
        lane.partial.setdefault(frame.channel, []).append(frame.raw)
        if not self._conversation.midway(lane.direction, frame.channel):
            self._decide(lane, heard, b"".join(lane.partial.pop(frame.channel)))

    def _decide(self, lane: Lane, heard: Event | None, raw: bytes) -> None:
        if heard is None:
            lane.target.write(raw)
        elif self._proof and self._proof.given_by(heard):
            self.relay.emit(heard, passed=False)
            self._cut_proven()
        elif fault := self.relay.lookout.strike(heard):
            self._strike(fault, lane, heard, raw)
        else:
            self._admit(lane, heard, raw)

    def _admit(self, lane: Lane, heard: Event, raw: bytes) -> None:
        wait = self.program.wait_for_turn(self.relay.loop.time()) if heard.kind == "deliver" else 0
        if wait:
            self._hold(lane, heard, raw, Hold(seconds=wait))
        else:
            self._pass(lane, heard, raw)

    def _pass(self, lane: Lane, heard: Event, raw: bytes) -> None:
        lane.target.write(raw)
        self._has_passed(heard)

    def _has_passed(self, heard: Event) -> None:
        self._conversation.settle(heard)
        self.relay.emit(heard)

    # What goes wrong

    def _strike(self, fault: Fault, lane: Lane, heard: Event, raw: bytes) -> None:
        if isinstance(fault.do, CutAfter):
            self._pass(lane, heard, raw)
            self._cut_after(fault, heard)
        elif isinstance(fault.do, Hold):
            self.relay.tell(self, fault.do, heard)
            self._hold(lane, heard, raw, fault.do)
        elif isinstance(fault.do, Slow):
            self._strike_connection(fault, heard)
            self._admit(lane, heard, raw)
        else:
            self.relay.emit(heard, passed=False)
            self._strike_connection(fault, heard)

    def _strike_connection(self, fault: Fault, struck: Event) -> None:
        self.relay.tell(self, fault.do, struck)
        if isinstance(fault.do, Cut):
            self.cut()
        elif isinstance(fault.do, Mute):
            self.mute()
        elif not isinstance(fault.do, Drop):
            self.relay.apply(fault.do, self.program)

    def cut(self, last_words: bytes = b"") -> None:
        """End both sides at once: the broker has what has passed so far, and nothing after it."""
        self._over = True
        self._stop_opening()
        self._leave_broker()
        if last_words:
            self.near.finish(last_words)
        else:
            self.near.reset()

    def _leave_broker(self) -> None:
        """End the broker's side as soon as the broker has handled what has passed.

        It drops what it has read and not handled when a connection ends just then: acks that have passed
        would be undone, by chance.
        """
        if self._leaving_broker:
            return
        self._leaving_broker = True
        # After a gap, or garbage, an answer could not be told from other bytes.
        understood = not self._muted and not any(lane.opaque for lane in self._lanes.values())
        if understood and not self._conversation.closing and not self.far.is_gone():
            self._unanswered = set(self._conversation.askable())
        if not self._unanswered:
            self.far.finish()
            return
        self.far.resume()
        for channel in self._unanswered:
            self.far.write(pika.frame.Method(channel, QUESTION).marshal())
        self.relay.loop.call_later(PROOF_SECONDS, self.far.finish)

    def _look_for_answers(self, lane: Lane, data: bytes) -> None:
        _, frames = lane.splitter.feed(data)
        self._unanswered -= {f.channel for f in frames if f.type == METHOD and f.method_id() == ANSWER}
        if not self._unanswered:
            self.far.finish()

    def force_close(self) -> None:
        """End both sides; the program is told so, as by a broker that is shut down."""
        told = {"code": FORCED.reply_code, "text": FORCED.reply_text}
        self.relay.emit(self._event(kind="connection-close", direction=TO_PROGRAM, **told))
        self.cut(pika.frame.Method(0, FORCED).marshal())

    def mute(self) -> None:
        """Let nothing pass any more, until one side has gone."""
        self._muted = True

    def abort(self) -> None:
        """End both sides without waiting for anything."""
        self._over = True
        self.near.reset()
        self.far.reset()

    def _hold(self, lane: Lane, heard: Event, raw: bytes, hold: Hold) -> None:
        lane.waiting[heard.channel] = deque()

        def release() -> None:
            if not released.is_set():
                released.set()
                self._release(lane, heard, raw)

        released = asyncio.Event()
        if hold.seconds is not None:
            self.relay.loop.call_later(hold.seconds, release)
        if hold.until is not None:
            # Not at once: it may be this very lane that is just being read.
            self.relay.lookout.await_passing(hold.until, lambda: self.relay.loop.call_soon(release))

    def _release(self, lane: Lane, heard: Event, raw: bytes) -> None:
        if self._deaf(lane.direction):
            return
        behind = lane.waiting.pop(heard.channel)
        self._admit(lane, heard, raw)
        if heard.channel in lane.waiting:
            lane.waiting[heard.channel].extend(behind)
        else:
            self._consider_each(lane, behind)

    def _cut_after(self, fault: Fault, struck: Event) -> None:
        if struck.kind == "publish" and self._conversation.confirming(struck.channel):
            self._proof = Proof(fault, struck)
            self.relay.loop.call_later(PROOF_SECONDS, self._cut_unproven)
            return
        self.relay.tell(self, fault.do, struck)
        if struck.direction == TO_PROGRAM:
            self._over = True
            self._leave_broker()
            self.near.finish()
        else:
            self.cut()

    def _cut_proven(self) -> None:
        self.relay.tell(self, self._proof.fault.do, self._proof.struck)
        self.cut()

    def _cut_unproven(self) -> None:
        if not self._over:
            remark = f"; the broker gave no sign of having handled it in {PROOF_SECONDS:g} s"
            self.relay.tell(self, self._proof.fault.do, self._proof.struck, remark)
            self.cut()

    def _event(self, **fields: object) -> Event:
        return event(program=self.program.name, connection=self.number, **fields)
