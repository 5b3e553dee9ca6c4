"""Questions to the publishers on behalf of a request: what went wrong is a reason, and who wants to, waits for the log.

A question changes nothing, so that one that nobody answers says so, unlike an order. `at_least`: whoever has done
something as of a sequence reads an answer in which it is. Called by handlers.
"""

import asyncio
from typing import Final, TypeVar

from bus.errors import TimedOut
from bus.protocol.reasons import NOT_YET
from bus.sockets.market.async_market_client import AsyncMarketClient
from bus.sockets.market.questions import Answered, Question
from web.errors import UNREACHABLE, Refusal

A = TypeVar("A")

#: Publishers hear of a symbol that nothing happens to once a second; a publisher that is further behind is in trouble.
WAIT_S_MAX: Final = 2.0
#: A publisher is some milliseconds behind the engine, mostly.
_FIRST_PAUSE_S: Final = 0.005
_PAUSE_S_MAX: Final = 0.08
_SOON: Final = {"Retry-After": "1"}


async def ask(market: AsyncMarketClient, question: Question[A], at_least: int = 0) -> Answered[A]:
    """The answer of the first publisher that gives one, once it has come to a sequence of the log.

    Raises Refusal when nobody answers, or is not there after WAIT_S_MAX; NotTaken when it was refused.
    """
    loop = asyncio.get_running_loop()
    deadline_s, pause_s = loop.time() + WAIT_S_MAX, _FIRST_PAUSE_S
    while True:
        try:
            answered = await market.ask(question)
        except TimedOut as error:
            raise Refusal(UNREACHABLE, str(error), headers=_SOON) from None
        if answered.log_sequence >= at_least:
            return answered
        if loop.time() + pause_s > deadline_s:
            text = f"market data has come to sequence {answered.log_sequence}, not yet to {at_least}"
            raise Refusal(NOT_YET, text, "at_least", _SOON)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _PAUSE_S_MAX)
