"""Orders that come over one connection: sent in the order in which they came, answered when the engine has answered.

    message ─▶ may it? ─▶ command ─▶ session ═▶ engine          as many under way as may be
    answer  ◀─ words of REST ◀─ outcome ◀═══════════╯

Nothing waits for an answer but the answer itself: a message is done with when its command is on its way, so what comes
in one read leaves in one message to the engine, and what it answers together is told together. Only where something has
to be found out first (the session, an instrument, the order that a replace means) the next message waits for it.

A message is known again when it is sent twice: without a `client_order_id` of its own, an order's is made of the
login (its key and time) and of the message's very bytes. So the same message behind the same login is the same order,
also on another connection; another `id` makes it another order, and so does another login. Without an `id` nobody could
tell a message that was sent again from a second one, so one of both has to be given. A replace has its `request_id` in
the same way.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from hashlib import sha256
from http import HTTPStatus
from typing import Final

import msgspec

from bus.clock import monotonic_ns
from bus.errors import AnswerLost, MatchbusError, SessionOver, TimedOut
from bus.protocol.commands import Command, EnterOrder
from bus.sockets.async_client import AnswerFuture
from bus.sockets.session.prices import Scale
from web import order_answers, order_commands, trading
from web.errors import BAD_KEY, MISSING_FIELD, Refusal, of_failure
from web.guard.guard import Guard
from web.guard.principal import Principal
from web.routes import CANCELS, ORDERS
from web.schemas.own import Answer, Cancel, Enter, Replace
from web.schemas.values import MessageId
from web.session import Session
from web.sessions import Sessions
from web.stream.client import Client

#: Of one connection, without an answer yet. At 10,000 orders a second the engine has some hundreds of one client.
UNDER_WAY_MAX: Final = 1_024
#: Answers that wait for the connection: who sends and does not read is not read from either.
ANSWERS_WAITING_MAX: Final = 1_024
#: Who was told that the engine is not there, is told again without waiting, for so long.
_AWAY_S: Final = 1.0
#: Of the hash that makes an id: 128 bits in hex.
_HASH_CHARACTERS: Final = 32

OrderMessage = Enter | Cancel | Replace
#: Called when a message was answered: with its status, as over HTTP, and when it was sent on (monotonic, in ns).
Ended = Callable[[OrderMessage, int, int], None]
#: What is told to who sent a message: its id, and why it was not carried out.
Refuse = Callable[[MessageId, Refusal], None]


class OrderEntry:
    """See above. `refuse`: tells why a message was not carried out. `ended`: is told what was answered."""

    def __init__(
        self,
        sessions: Sessions,
        guard: Guard,
        client: Client,
        timeout_s: float,
        refuse: Refuse,
        ended: Ended,
    ) -> None:
        self._sessions = sessions
        self._guard = guard
        self._client = client
        self._timeout_s = timeout_s
        self._refuse = refuse
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        #: Answers that are awaited, and until when.
        self._awaited: deque[tuple[float, AnswerFuture]] = deque()
        self._under_way = 0
        self._timer: asyncio.TimerHandle | None = None
        self._room: asyncio.Future[None] | None = None
        self._away_until_s = 0.0

    def take(self, who: Principal, said: OrderMessage, message: str) -> Awaitable[None] | None:
        """Carry out a message. What is given has to be awaited before the next one is taken. Raises Refusal.

        `who` has logged in, and may trade; `message` is what `said` was read from.
        """
        if not self._guard.holds(who):
            raise Refusal(BAD_KEY)
        self._guard.spend(who, CANCELS if type(said) is Cancel else ORDERS)
        session = self._sessions.at_hand(who.account)
        if (
            session is None
            or not session.is_open
            or session.scale_at_hand(said.order.symbol) is None
            or not self._guard.is_sure
            or self._under_way >= UNDER_WAY_MAX
            or self._client.waiting >= ANSWERS_WAITING_MAX
            or (type(said) is Replace and session.known_order(order_commands.name_of(said.order)) is None)
        ):
            return self._take_slowly(who, said, message)
        self._send(session, who, said, message)
        return None

    async def _take_slowly(self, who: Principal, said: OrderMessage, message: str) -> None:
        """As `take`, when something has to be waited for first."""
        if not self._guard.is_sure:
            await self._guard.make_sure(who)
        while self._under_way >= UNDER_WAY_MAX:
            self._room = self._loop.create_future()
            await self._room
        if self._client.waiting >= ANSWERS_WAITING_MAX:
            await self._client.drained()
        session = await self._session(who.account)
        await session.scale(said.order.symbol)
        if type(said) is Replace:
            await session.order(order_commands.name_of(said.order))
        self._send(session, who, said, message)

    async def _session(self, account: str) -> Session:
        """The session, with the engine there. Raises NotConnected, SessionRefused, Refusal: nothing was sent."""
        away = self._loop.time() < self._away_until_s
        try:
            session = self._sessions.at_hand(account)
            if session is None:
                session = await self._sessions.of(account)
            if not session.is_open:
                await session.until_open(0.0 if away else self._timeout_s)
        except (MatchbusError, Refusal):
            self._away_until_s = self._loop.time() + _AWAY_S
            raise
        self._away_until_s = 0.0
        return session

    def _send(self, session: Session, who: Principal, said: OrderMessage, message: str) -> None:
        """Its command leaves at the end of this turn of the loop, with all others. Raises Refusal, MatchbusError."""
        scale = session.scale_at_hand(said.order.symbol)
        assert scale is not None, "it was asked for"
        try:
            command = _command(session, scale, who, said, message)
        except Refusal:
            self._guard.order_refused(who)
            raise
        answer = session.send(command)
        self._under_way += 1
        self._awaited.append((self._loop.time() + self._timeout_s, answer))
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout_s, self._ring)
        began_ns = monotonic_ns()
        answer.add_done_callback(
            lambda _: self._answered(session, who, said, scale, command, answer, began_ns)
        )

    def _answered(
        self,
        session: Session,
        who: Principal,
        said: OrderMessage,
        scale: Scale,
        command: Command,
        answer: AnswerFuture,
        began_ns: int,
    ) -> None:
        self._under_way -= 1
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        try:
            outcome = session.outcome(answer)
            full = type(said) is not Cancel and said.order.response == "full"  # type: ignore[union-attr]  # as it says
            if type(command) is EnterOrder:
                told = order_answers.entered(scale, command, outcome, full, False)
            else:
                told = order_answers.changed(scale, outcome, full, False)
        except (TimedOut, AnswerLost, SessionOver):
            name = command.client_order_id if type(command) is EnterOrder else said.order.client_order_id
            refused = trading.unknown(name)
        except Refusal as refusal:
            self._guard.order_refused(who)
            refused = refusal
        except MatchbusError as failure:
            refused = of_failure(failure)
        else:
            self._ended(said, HTTPStatus.OK, began_ns)
            self._client.tell(msgspec.json.encode(Answer(said.id, told)))
            return
        self._ended(said, refused.status, began_ns)
        self._refuse(said.id, refused)

    def _ring(self) -> None:
        """Give up what is not answered in time, and look again when the next one is due."""
        now_s, awaited = self._loop.time(), self._awaited
        while awaited and (awaited[0][0] <= now_s or awaited[0][1].done()):
            awaited.popleft()[1].cancel()  # of one that is done this changes nothing
        self._timer = self._loop.call_at(awaited[0][0], self._ring) if awaited else None


def _command(session: Session, scale: Scale, who: Principal, said: OrderMessage, message: str) -> Command:
    if isinstance(said, Enter):
        client_order_id = said.order.client_order_id or _derived(who, said.id, message, "client_order_id")
        return order_commands.enter_order(scale, said.order, client_order_id)
    trading.check_symbol(session.known_order(order_commands.name_of(said.order)), said.order)
    if isinstance(said, Cancel):
        return order_commands.cancel_order(said.order)
    request_id = said.order.request_id or _derived(who, said.id, message, "request_id")
    return order_commands.replace_order(scale, said.order, request_id)


def _derived(who: Principal, named: MessageId, message: str, field: str) -> str:
    """An id that the same message behind the same login has again, and no other one."""
    if named is None:
        raise Refusal(MISSING_FIELD, f"a {field}, or an id of the message, has to be given", field)
    return sha256(f"{who.request_hash} {message}".encode()).hexdigest()[:_HASH_CHARACTERS]
