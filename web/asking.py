"""Questions to the publishers on behalf of a request: what went wrong is a reason, and who wants to, waits for the log.

A question changes nothing, or may be put again, so that one that nobody answers says so, unlike an order. A publisher
takes a few questions to its store from each connection, and all requests of an instance share one: who finds it full
asks again a little later. `at_least`: whoever has done something as of a sequence reads an answer in which it is.
Called by handlers.
"""

import asyncio
from typing import Final, TypeVar

from bus.errors import MatchbusError, NotTaken, TimedOut
from bus.protocol.reasons import NOT_YET, QUEUE_FULL
from bus.sockets.market.async_market_client import AsyncMarketClient
from bus.sockets.market.questions import Answered, Question
from web.errors import CONFLICT, UNREACHABLE, Refusal

A = TypeVar("A")

#: Publishers hear of a symbol that nothing happens to once a second; a publisher that is further behind is in trouble.
WAIT_S_MAX: Final = 2.0
#: So long everybody waits for a publisher that is gone, while the others have answered.
ALL_S: Final = 0.5
#: A publisher is some milliseconds behind the engine, mostly, and so long it takes to read a page from its store.
_FIRST_PAUSE_S: Final = 0.005
_PAUSE_S_MAX: Final = 0.08
_SOON: Final = {"Retry-After": "1"}


async def ask(market: AsyncMarketClient, question: Question[A], at_least: int = 0) -> Answered[A]:
    """The answer of the first publisher that gives one, once it has come to a sequence of the log.

    Raises Refusal when nobody answers, or has no room or is not there after WAIT_S_MAX; NotTaken when it was refused.
    """
    patience = _Patience()
    while True:
        try:
            answered = await market.ask(question)
        except TimedOut as error:
            raise Refusal(UNREACHABLE, str(error), headers=_SOON) from None
        except NotTaken as error:
            if error.reason != QUEUE_FULL:
                raise
            late = Refusal(QUEUE_FULL, str(error), headers=_SOON)
        else:
            if answered.log_sequence >= at_least:
                return answered
            text = f"market data has come to sequence {answered.log_sequence}, not yet to {at_least}"
            late = Refusal(NOT_YET, text, "at_least", _SOON, CONFLICT)
        if not await patience.waited():
            raise late


async def ask_each(market: AsyncMarketClient, question: Question[A]) -> list[Answered[A] | MatchbusError]:
    """What every publisher says to it, as `AsyncMarketClient.ask_each`. The question must be one to be put again."""
    patience = _Patience()
    while True:
        said = await market.ask_each(question)
        full = any(isinstance(one, NotTaken) and one.reason == QUEUE_FULL for one in said)
        if not full or not await patience.waited():
            return said


async def ask_all(market: AsyncMarketClient, question: Question[A]) -> list[Answered[A]]:
    """What all publishers say to it together, whoever has come furthest last: each may carry symbols of its own.

    Who does not answer within ALL_S is left out; where nobody does, as `ask`, and it raises as that.
    """
    if market.publishers > 1:
        said = await market.ask_each(question, ALL_S)
        answers = [one for one in said if not isinstance(one, MatchbusError)]
        if answers:
            return sorted(answers, key=lambda one: one.log_sequence)
    return [await ask(market, question)]


class _Patience:
    """For WAIT_S_MAX from its making on, with pauses that grow."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadline_s = self._loop.time() + WAIT_S_MAX
        self._pause_s = _FIRST_PAUSE_S

    async def waited(self) -> bool:
        """Pause; False when there is no time for that."""
        if self._loop.time() + self._pause_s > self._deadline_s:
            return False
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(2 * self._pause_s, _PAUSE_S_MAX)
        return True
