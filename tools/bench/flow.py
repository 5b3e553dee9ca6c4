"""The orders that a benchmark sends: a made-up market in which everything happens, made before the clock starts.

30 % of the commands cancel a resting order, and there is half a trade for each command. Both cannot go on for ever: a
trade that does not fill its resting order is at most one for each aggressor, so more orders leave the book than enter
it, about one in ten commands. The book is therefore filled first (`opening`), and only what follows (`commands`) is
timed. All cancels meet an order that rests, all aggressors meet the other side.

    opening   orders that rest, on both sides, 50 levels each
    commands  55 % orders that rest, 30 % cancels, 15 % IOC orders that take what rests, all drawn by a seed

The market is followed by an engine of its own, so the flow knows what rests. O(commands), some microseconds each.
"""

import random
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from bus.protocol.commands import (
    CancelOrder,
    Command,
    DefineAsset,
    DefineInstrument,
    EnterOrder,
    JoinGroup,
    SetFees,
    SetFeeTiers,
    SetGroup,
    Transfer,
)
from bus.protocol.records import SEMANTICS_VERSION, EngineStarted, Rules, SessionOpened
from bus.protocol.reports import FILLED, REJECTED
from bus.protocol.terms import (
    BUY,
    CLEARING_SPOT,
    CLOCK_SYSTEM,
    EXTERNAL,
    IOC,
    LIMIT,
    MAKER,
    OPERATOR,
    RATE_ONE,
    SELL,
)
from matcher.engine import Engine

CANCELS: Final = 0.30
TRADES_PER_COMMAND: Final = 0.50
_AGGRESSORS: Final = 0.15
_MIDDLE_TICKS: Final = 30_000
_LEVELS: Final = 50
_QUANTITY_MAX_LOTS: Final = 100
#: The book loses an order in about ten commands; so many more are there at the end.
_OPENING_PER_COMMAND: Final = 0.13
_OPENING_MIN: Final = 200
#: Everything that the flow enters is allowed.
RULES: Final = Rules(2**31, 2**31, 2**31)
#: Of the quote asset: the largest order of the instrument stays below 2**63 of its units.
_QUOTE_DECIMALS: Final = 4
_PLENTY_UNITS: Final = 2**62
#: Places of the fields of a Filled.
_FILL_ID, _FILL_LEAVES, _FILL_LIQUIDITY = 6, 13, 14


class Flow:
    """`opening`, then `commands`. `trades` is how many the latter cause. The ids are unique within an account."""

    def __init__(
        self, symbol: str, commands: int, seed: int = 1, trades_per_command: float = TRADES_PER_COMMAND
    ) -> None:
        self.symbol = symbol
        self.opening: list[Command] = []
        self.commands: list[Command] = []
        self.cancels = self.trades = 0
        self._random = random.Random(seed)
        self._engine = engine_with(symbol)
        self._next_id = 1
        self._resting: list[str] = []
        self._place: dict[str, int] = {}
        for _ in range(_OPENING_MIN + int(commands * _OPENING_PER_COMMAND)):
            self._add(self._rest(), self.opening)
        self.trades = 0
        for count in range(commands):
            drawn = self._random.random()
            if drawn < CANCELS and self._resting:
                self.cancels += 1
                self._add(CancelOrder(client_order_id=self._random.choice(self._resting)), self.commands)
            elif drawn < CANCELS + _AGGRESSORS:
                self._add(self._take(int(count * trades_per_command) - self.trades), self.commands)
            else:
                self._add(self._rest(), self.commands)

    def _rest(self) -> EnterOrder:
        side = self._random.choice((BUY, SELL))
        distance = self._random.randint(1, _LEVELS)
        price = _MIDDLE_TICKS - distance if side == BUY else _MIDDLE_TICKS + distance
        return EnterOrder(self._id(), self.symbol, side, self._random.randint(1, _QUANTITY_MAX_LOTS), price)

    def _take(self, trades: int) -> EnterOrder:
        """An order that makes so many trades (at least one); the last one leaves a part of what it meets."""
        side = self._random.choice((BUY, SELL))
        book = self._engine.state.instruments[self.symbol].book
        wanted = max(trades, 1)
        quantity = 0
        for level in book.asks if side == BUY else book.bids:
            order = level.head
            while order is not None and wanted:
                wanted -= 1
                leaves = order.quantity_lots - order.filled_lots
                quantity += leaves if wanted else (leaves + 1) // 2
                order = order.newer
            if not wanted:
                break
        price = _MIDDLE_TICKS + _LEVELS if side == BUY else _MIDDLE_TICKS - _LEVELS
        return EnterOrder(self._id(), self.symbol, side, max(quantity, 1), price, LIMIT, IOC)

    def _id(self) -> str:
        number = self._next_id
        self._next_id += 1
        return f"bench-{number:07d}"

    def _add(self, command: Command, to: list[Command]) -> None:
        """Let it happen, and see what rests then."""
        engine = self._engine
        to.append(command)
        engine.apply_message(1, 1, engine.time_ns + 1, (command,), engine.time_ns + 1)
        private, _ = engine.take_outputs()
        for _, _, reports in private:
            for report in reports:
                assert report[0] != REJECTED, f"the flow is refused: {report}"
                if report[0] == FILLED and report[_FILL_LIQUIDITY] == MAKER:
                    self.trades += 1
                    if not report[_FILL_LEAVES]:
                        self._gone(report[_FILL_ID])
        if isinstance(command, CancelOrder):
            self._gone(command.client_order_id)
        elif isinstance(command, EnterOrder) and command.time_in_force != IOC:
            self._place[command.client_order_id] = len(self._resting)
            self._resting.append(command.client_order_id)

    def _gone(self, order: str) -> None:
        """Out of the list of what rests, in O(1): the last one takes its place."""
        place = self._place.pop(order)
        last = self._resting.pop()
        if last != order:
            self._resting[place] = last
            self._place[last] = place


def definition(symbol: str) -> DefineInstrument:
    """The instrument that benchmarks trade."""
    return DefineInstrument(symbol, "BENCH", "USD", 1, 2, 1, 0, 1, 10_000_000, 1, 1_000_000_000)


def engine_with(
    symbol: str, session: int = 1, account: str = "bench", *, clears: bool = False, charges: bool = False
) -> Engine:
    """An engine without sockets that has this instrument and an open session.

    `clears`: its account has money for whatever the flow does. `charges`: both sides pay fees as well, in one of three
    tiers and with a discount.
    """
    engine = Engine()
    rules = replace(RULES, clearing=CLEARING_SPOT) if clears else RULES
    engine.apply_record(EngineStarted(1, SEMANTICS_VERSION, CLOCK_SYSTEM, rules), 1)
    engine.apply_record(SessionOpened(session, account, OPERATOR, 0, False), 1)
    commands: list[Command] = [definition(symbol)]
    if clears:
        commands[:0] = [DefineAsset("BENCH", 0), DefineAsset("USD", _QUOTE_DECIMALS)]
        commands += [Transfer(asset, EXTERNAL, account, asset, _PLENTY_UNITS) for asset in ("BENCH", "USD")]
    if charges:
        commands += [
            SetFees(symbol, [(1_000_000, 2_000_000), (800_000, 1_500_000), (0, 1_000_000)]),
            SetFeeTiers([10**12, 10**15]),
            SetGroup("bench", RATE_ONE // 10),
            JoinGroup(account, "bench"),
        ]
    now_ns = engine.time_ns + 1
    engine.apply_message(session, 1, now_ns, commands, now_ns)
    private, _ = engine.take_outputs()
    for _, _, reports in private:
        assert all(report[0] != REJECTED for report in reports), "the market is as it is to be"
    return engine


def in_symbol(commands: Sequence[Command], symbol: str) -> list[Command]:
    """The same commands in another instrument."""
    return [
        EnterOrder(
            c.client_order_id, symbol, c.side, c.quantity_lots, c.price_ticks, c.order_type, c.time_in_force
        )
        if isinstance(c, EnterOrder)
        else c
        for c in commands
    ]


def resting(symbol: str, count: int, first: int = 1, levels: int = _LEVELS) -> list[Command]:
    """Orders that only rest, half of them bids, spread over so many levels of each side."""
    return [
        EnterOrder(
            f"bench-{number:07d}",
            symbol,
            BUY if number % 2 else SELL,
            1 + number % _QUANTITY_MAX_LOTS,
            _MIDDLE_TICKS - 1 - number % levels if number % 2 else _MIDDLE_TICKS + 1 + number % levels,
        )
        for number in range(first, first + count)
    ]
