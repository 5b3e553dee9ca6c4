"""What accounts do: orders entered, replaced and cancelled, alone and in batches. The same over REST and WebSocket.

    body ─▶ symbol's scale ─▶ command ─▶ session ─▶ outcome ─▶ answer
               what is wrong with it is said by field ◀──┴─▶ the engine's own reason, or "execution status unknown"

Each function takes an account and a body of `web.schemas.orders`, and raises a Refusal or a MatchbusError, which
`web.errors` tells apart: what may have happened after all is unknown, everything else changed nothing.

`derived`: an id for what has none of its own, which the same request has again and no other one: `derived_id` makes it
of a signed request. Messages on a connection that stays open are not signed one by one: `web.stream.order_entry` makes
theirs, and "" is none, so that whoever has none must name its order.
"""

from typing import Final
from urllib.parse import quote

from bus.errors import AnswerLost, MatchbusError, SessionOver, TimedOut
from bus.protocol import reports as told
from bus.protocol.commands import Command, EnterOrder
from bus.sockets.session.orders import cancel_all_after as countdown
from bus.sockets.session.prices import Scale
from web import order_answers, order_commands
from web.errors import CONFLICT, INVALID_FIELD, MISSING_FIELD, UNKNOWN, Refusal, of_failure
from web.guard.principal import Principal
from web.house import House
from web.schemas.orders import (
    Batch,
    BatchAnswer,
    BatchError,
    BatchItem,
    BatchResult,
    CancelAll,
    CancelAllAfter,
    CancelItem,
    CancelledAll,
    Countdown,
    NewOrder,
    OrderAnswer,
    OrderCancel,
    OrderReplace,
    ReplaceItem,
)
from web.session import KnownOrder, Outcome, Session

#: Characters of a request's hash that make an id: 128 bits, and room for the number of an item behind them.
_HASH_CHARACTERS: Final = 32


async def enter(
    house: House, account: str, body: NewOrder, derived: str = "", time_ns: bool = False
) -> OrderAnswer:
    """Enter an order."""
    client_order_id = own_id(body.client_order_id or derived, "client_order_id")
    session = await house.sessions.of(account)
    scale = await session.scale(body.symbol)
    command = order_commands.enter_order(scale, body, client_order_id)
    outcome = await _command(session, command, client_order_id)
    return order_answers.entered(scale, command, outcome, body.response == "full", time_ns)


async def cancel(house: House, account: str, body: OrderCancel, time_ns: bool = False) -> OrderAnswer:
    """Cancel an open order."""
    session = await house.sessions.of(account)
    scale = await session.scale(body.symbol)
    await _check_symbol(session, body, ask=False)
    outcome = await _command(session, order_commands.cancel_order(body), body.client_order_id)
    return order_answers.changed(scale, outcome, False, time_ns)


async def replace(
    house: House, account: str, body: OrderReplace, derived: str = "", time_ns: bool = False
) -> OrderAnswer:
    """Give an open order another price, another quantity, or both."""
    session = await house.sessions.of(account)
    scale = await session.scale(body.symbol)
    request_id = own_id(body.request_id or derived, "request_id")
    command = order_commands.replace_order(scale, body, request_id)
    await _check_symbol(session, body, ask=True)
    outcome = await _command(session, command, body.client_order_id)
    return order_answers.changed(scale, outcome, body.response == "full", time_ns)


async def cancel_all(house: House, account: str, body: CancelAll, time_ns: bool = False) -> CancelledAll:
    """Cancel all open orders of a symbol and a side, or all."""
    session = await house.sessions.of(account)
    if body.symbol is not None:
        await session.scale(body.symbol)
    outcome = await _command(session, order_commands.mass_cancel(body))
    return order_answers.all_cancelled(outcome, time_ns)


async def cancel_all_after(
    house: House, account: str, body: CancelAllAfter, time_ns: bool = False
) -> Countdown:
    """Begin the account's countdown to the end of all its orders, or stop it."""
    session = await house.sessions.of(account)
    outcome = await _command(session, countdown(body.timeout_ms / 1000))
    return order_answers.counting_down(body.timeout_ms, outcome, time_ns)


async def batch(
    house: House, account: str, body: Batch, derived: str = "", time_ns: bool = False
) -> BatchAnswer:
    """Enter, cancel and replace many at once. What cannot be said at all is refused with the number of its item."""
    session = await house.sessions.of(account)
    scales: list[Scale] = []
    given: list[Command] = []
    for index, item in enumerate(body.orders):
        try:
            scale = await session.scale(item.symbol)
            scales.append(scale)
            given.append(await _item_command(session, scale, item, derived and f"{derived}-{index}"))
        except Refusal as refusal:
            raise _of_item(index, refusal) from None
        except MatchbusError as error:
            raise _of_item(index, of_failure(error)) from None
    outcomes = await session.batch(
        given, all_or_nothing=body.all_or_nothing, validate_only=body.validate_only
    )
    return BatchAnswer(
        results=[
            _result(scale, item, command, outcome, time_ns)
            for scale, item, command, outcome in zip(scales, body.orders, given, outcomes, strict=True)
        ]
    )


def _of_item(index: int, refusal: Refusal) -> Refusal:
    field = f"orders[{index}]" + (f".{refusal.field}" if refusal.field else "")
    return Refusal(refusal.code, refusal.message, field, refusal.headers, refusal.status)


def derived_id(who: Principal) -> str:
    """An id that the same signed request has again, and no other one."""
    return who.request_hash[:_HASH_CHARACTERS]


def own_id(given: str, field: str) -> str:
    """An id that was given, or derived. Raises Refusal when there is neither."""
    if not given:
        raise Refusal(
            MISSING_FIELD, "here an id has to be given: no request is signed of which one is made", field
        )
    return given


async def _command(session: Session, command: Command, client_order_id: str | None = None) -> Outcome:
    """Send it. Raises Refusal when nobody knows what became of it, with the words to ask."""
    try:
        return await session.command(command)
    except (TimedOut, AnswerLost, SessionOver):
        raise unknown(client_order_id) from None


def unknown(client_order_id: str | None) -> Refusal:
    """Nobody knows what became of a command: the words to ask."""
    if client_order_id is None:
        return Refusal(UNKNOWN, "execution status unknown: ask GET /v1/orders, then decide")
    return Refusal(
        UNKNOWN,
        f"execution status unknown: ask GET /v1/order?client_order_id={quote(client_order_id)}, then decide",
    )


async def _check_symbol(session: Session, body: OrderCancel | OrderReplace, *, ask: bool) -> None:
    """A price means something else in another symbol's ticks.

    `ask`: the engine about an order that is not known here.
    """
    name = order_commands.name_of(body)
    check_symbol(await session.order(name) if ask else session.known_order(name), body)


def check_symbol(known: KnownOrder | None, body: OrderCancel | OrderReplace) -> None:
    """The order is of the symbol that is said, as far as it is known. Raises Refusal."""
    if known is not None and known.symbol != body.symbol:
        raise Refusal(INVALID_FIELD, f"the order is of {known.symbol}", "symbol", status=CONFLICT)


async def _item_command(session: Session, scale: Scale, item: BatchItem, item_id: str) -> Command:
    if isinstance(item, CancelItem):
        await _check_symbol(session, item, ask=False)
        return order_commands.cancel_order(item)
    if isinstance(item, ReplaceItem):
        await _check_symbol(session, item, ask=True)
        return order_commands.replace_order(scale, item, own_id(item.request_id or item_id, "request_id"))
    client_order_id = own_id(item.client_order_id or item_id, "client_order_id")
    return order_commands.enter_order(scale, item, client_order_id)


def _result(
    scale: Scale, item: BatchItem, command: Command, outcome: Outcome | MatchbusError, time_ns: bool
) -> BatchResult:
    try:
        if isinstance(outcome, MatchbusError):
            raise of_failure(outcome)
        if isinstance(outcome.answer, told.Completed):
            return BatchResult(order=None, error=None)  # it was only to be judged
        if isinstance(command, EnterOrder):
            assert not isinstance(item, CancelItem | ReplaceItem), "an order is entered by no other item"
            full = item.response == "full"
            return BatchResult(
                order=order_answers.entered(scale, command, outcome, full, time_ns), error=None
            )
        full = isinstance(item, ReplaceItem) and item.response == "full"
        return BatchResult(order=order_answers.changed(scale, outcome, full, time_ns), error=None)
    except Refusal as refusal:
        error = BatchError(
            code=refusal.code, reason=refusal.reason, message=refusal.message, field=refusal.field
        )
        return BatchResult(order=None, error=error)
