"""The instruments as publishers know them, and the scales between their ticks and lots and people's decimals.

Asked for when a symbol is wanted that is not known, and again after a while: an instrument may change its limits, never
its tick and lot, so a scale that is known stays good.
"""

import asyncio
from itertools import chain
from typing import Final

from bus.clock import monotonic_ns
from bus.protocol.market.streams import Symbol
from bus.protocol.reasons import UNKNOWN_SYMBOL
from bus.sockets.market import questions
from bus.sockets.market.async_market_client import AsyncMarketClient
from bus.sockets.session.prices import Scale
from web.asking import ask_all
from web.errors import UNREACHABLE, Refusal

#: Whoever asks for a symbol that does not exist makes publishers answer; so often at most.
_ASK_AGAIN_NS: Final = 1_000_000_000


class Symbols:
    """See above."""

    def __init__(self, market: AsyncMarketClient) -> None:
        self._market = market
        self._known: dict[str, Symbol] = {}
        self._scales: dict[str, Scale] = {}
        self._asked_ns = 0
        # Whether all publishers answered when they were asked last.
        self._complete = True
        self._asking: asyncio.Task[None] | None = None

    async def all(self) -> dict[str, Symbol]:
        """All instruments, asked for now. Raises Refusal when nobody answers."""
        await self._ask()
        return self._known

    def knows(self, symbol: str) -> bool:
        """Whether an instrument is known here already."""
        return symbol in self._scales

    async def scale(self, symbol: str) -> Scale:
        """The scale of an instrument. Raises Refusal for one that does not exist."""
        scale = self._scales.get(symbol)
        if scale is None:
            if monotonic_ns() - self._asked_ns > _ASK_AGAIN_NS:
                await self._ask()
            scale = self._scales.get(symbol)
        if scale is None:
            raise self.unknown()
        return scale

    def unknown(self) -> Refusal:
        """Why a symbol is not among all: it does not exist, or is one of a publisher that does not answer."""
        if self._complete:
            return Refusal(UNKNOWN_SYMBOL, field="symbol")
        text = "no publisher that answers has this symbol, and not all of them answer; nothing was changed"
        return Refusal(UNREACHABLE, text, "symbol", {"Retry-After": "1"})

    async def _ask(self) -> None:
        """Ask once for all who want to know at the same time."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._renew())
        await asyncio.shield(self._asking)

    async def _renew(self) -> None:
        answers = await ask_all(self._market, questions.symbols())
        self._asked_ns = monotonic_ns()
        self._complete = len(answers) == self._market.publishers
        for symbol in chain.from_iterable(answered.answer.symbols for answered in answers):
            self._known[symbol.symbol] = symbol
            if symbol.symbol not in self._scales:
                self._scales[symbol.symbol] = Scale(symbol)
