"""What operators do: commands that rule over the market, each logged under the account of the key that asked for it.

    body ─▶ command ─▶ the operator's session ─▶ Completed ─▶ answer
                                                 └ Rejected ─▶ the engine's own reason, and the field it is about

The rule guarded here is that of `web.trading`: what may have happened after all is unknown, everything else changed
nothing. Called by `web.rest.admin`.
"""

from typing import Final

from bus.errors import AnswerLost, SessionOver, TimedOut
from bus.protocol import reasons as engine
from bus.protocol.commands import OperatorCommand
from bus.protocol.reports import Completed, Rejected
from bus.protocol.terms import PHASES
from bus.sockets.session import orders
from web.errors import CONFLICT, UNKNOWN, Refusal
from web.guard.principal import Principal
from web.house import House
from web.schemas.admin import InstrumentPhase, NewPhase, Operated, Phases

_MS: Final = 1_000_000

#: Which field a refusal of the engine is about.
_FIELD_OF: Final = {
    engine.UNKNOWN_SYMBOL: "symbol",
    engine.INVALID_PHASE: "phase",
    engine.INVALID_DURATION: "duration_ms",
}


async def set_phase(house: House, who: Principal, body: NewPhase, time_ns: bool) -> Operated:
    """Give an instrument its phase."""
    command = orders.set_phase(
        body.symbol, body.phase, body.duration_ms, body.random_ms, body.next_phase or 0, body.why
    )
    return await _operate(house, who, command, time_ns)


async def phases(house: House, who: Principal) -> Phases:
    """The phases of all instruments, as the engine has them. Raises NotConnected."""
    session = await house.operators.of(who.account)
    found = await session.instruments()
    return Phases(
        phases=[
            InstrumentPhase(symbol=symbol, phase=PHASES[state.phase])  # type: ignore[arg-type]  # the same words
            for symbol, state in sorted(found.items())
        ]
    )


async def _operate(house: House, who: Principal, command: OperatorCommand, time_ns: bool) -> Operated:
    """Send it. Raises Refusal when it was refused, and when nobody knows what became of it."""
    session = await house.operators.of(who.account)
    try:
        outcome = await session.command(command)
    except (TimedOut, AnswerLost, SessionOver):
        raise Refusal(UNKNOWN, "execution status unknown: ask how it stands, then decide") from None
    answer = outcome.answer
    if isinstance(answer, Rejected):
        # Each value is good in itself, or it would not have come here.
        status = CONFLICT if answer.reason // 100 == engine.INVALID_PHASE // 100 else None
        raise Refusal(answer.reason, field=_FIELD_OF.get(answer.reason), status=status)
    assert isinstance(answer, Completed), "nothing else answers an operator"
    return Operated(
        operator=who.account,
        sequence=answer.sequence,
        time_ms=answer.time_ns // _MS,
        **({"time_ns": answer.time_ns} if time_ns else {}),
    )
