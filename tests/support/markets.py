"""Random logs: what happens at a small exchange where everything that can collide does.

Two symbols, a few prices, three accounts, ids that are used again, orders of others, fields that no client sends, time
that jumps over the hours after which ids are forgotten. Hypothesis draws and shrinks them; `walk` makes long ones of a
seed. Both give the same values: a list of steps, each a record or a message as the log has it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st

from bus.protocol.codec import Malformed
from bus.protocol.commands import (
    AdvanceClock,
    CancelAllAfter,
    CancelOrder,
    DefineInstrument,
    EnterOrder,
    MassCancel,
    ReplaceOrder,
    SetPhase,
    SetProtection,
)
from bus.protocol.records import (
    SEMANTICS_VERSION,
    EndDrawn,
    EngineStarted,
    Rules,
    SessionEnded,
    SessionOpened,
    TimeTicked,
)
from bus.protocol.terms import (
    AT_CLOSE,
    AT_OPEN,
    AUCTIONS,
    BEST_ASK,
    BEST_BID,
    BROKER,
    CANCEL_BOTH,
    CANCEL_NEWEST,
    CANCEL_OLDEST,
    CLOCK_COMMANDS,
    CLOCK_SYSTEM,
    CLOSED,
    CLOSING_AUCTION,
    CONTINUOUS,
    DAY,
    DECREMENT,
    FOK,
    GFA,
    GTC,
    GTD,
    HALTED,
    HIDDEN,
    IOC,
    LIMIT,
    MARKET,
    MIDPOINT,
    OPENING_AUCTION,
    OPERATOR,
    PEGGED,
    PHASES,
    POST_ONLY,
    POST_ONLY_REPRICE,
    PRE_OPEN,
    PRICE_TIME,
    PRO_RATA,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRADER,
    TRAILING_STOP,
    VOLATILITY_AUCTION,
)
from matcher.engine import Engine
from matcher.outputs import Stream

T = TypeVar("T")

SECOND_NS = 10**9
HOUR_NS = 3600 * SECOND_NS
RULES_WITH_ROOM = Rules(1000, 1000, 3)
DAWN_NS = 1_767_225_600 * SECOND_NS  # 2026-01-01, where all stories begin

#: Accounts that no other text of an event looks like.
ACCOUNTS = ("acc-anna", "acc-boris", "acc-carla")
SYMBOLS = ("BTC-USD", "ETH-USD")
OPERATOR_SESSION = 1
TRADER_SESSIONS = (2, 3, 4, 5)


def btc(**changes: Any) -> DefineInstrument:
    """The definition of BTC-USD, or of what it is changed to. Few prices, so that orders meet."""
    fields: dict[str, Any] = {
        "symbol": "BTC-USD",
        "base": "BTC",
        "quote": "USD",
        "tick_mantissa": 1,
        "tick_decimals": 2,
        "lot_mantissa": 1,
        "lot_decimals": 4,
        "price_min_ticks": 2,
        "price_max_ticks": 12,
        "quantity_min_lots": 2,
        "quantity_max_lots": 20,
    }
    return DefineInstrument(**(fields | changes))


@dataclass(frozen=True)
class Record:
    """A record of the log, `after_ns` later than the step before."""

    record: Any
    after_ns: int = 1


@dataclass(frozen=True)
class Message:
    """A message of a session, made `age_ns` before (or, negative, after) the time at which it is taken."""

    session: int
    items: tuple[Any, ...]
    after_ns: int = 1
    age_ns: int = 0
    correlation_id: int = 1


Step = Record | Message


def opening(rules: Rules, clock: int, matching: dict[str, int]) -> list[Step]:
    """What stands at the beginning of each log: an operator, one session for each account, two for the last.

    `matching`: how ETH-USD shares a level.
    """
    steps: list[Step] = [Record(EngineStarted(1, SEMANTICS_VERSION, clock, rules), DAWN_NS)]
    steps.append(Record(SessionOpened(OPERATOR_SESSION, "acc-op", OPERATOR, 5000, False)))
    for number, account in zip(TRADER_SESSIONS, (*ACCOUNTS, ACCOUNTS[-1]), strict=True):
        role = BROKER if number == TRADER_SESSIONS[-1] else TRADER
        steps.append(Record(SessionOpened(number, account, role, 5000, number != TRADER_SESSIONS[0])))
    eth = btc(symbol="ETH-USD", base="ETH", quantity_min_lots=1, **matching)
    steps.append(Message(OPERATOR_SESSION, (btc(), eth)))
    return steps


class Dice:
    """A random source with weights. `draw` answers with one of so many numbers, from 0."""

    def __init__(self, draw: Callable[[int], int]) -> None:
        self.draw = draw

    def one_of(self, choices: Sequence[T]) -> T:
        """One of these; what stands there twice comes twice as often."""
        return choices[self.draw(len(choices))]

    def rarely(self, one_in: int) -> bool:
        """True once in so many."""
        return self.draw(one_in) == one_in - 1


class Market:
    """Makes steps out of dice. It knows who has a session and what was asked, and nothing of what became of it.

    A busy one has mostly orders, at very few prices, and most of them good: in the others few orders meet. One that
    calls comes from one auction into another.
    """

    def __init__(self, dice: Dice, sequence: int, *, is_busy: bool) -> None:
        self.dice = dice
        self.sequence = sequence
        self.is_busy = is_busy
        self.calls = dice.rarely(2)
        self.protects = dice.rarely(2)
        self.undrawn: list[tuple[str, int, int]] = []  # symbol, number and random time of auctions
        self.asked: list[tuple[str, str, int, Any]] = []  # account, id, sequence, command
        self.owners = dict(zip(TRADER_SESSIONS, (*ACCOUNTS, ACCOUNTS[-1]), strict=True))
        self.next_session = TRADER_SESSIONS[-1] + 1
        self.time_ns = DAWN_NS  # about when the next step happens

    def step(self) -> Step:
        """The next one."""
        dice = self.dice
        after_ns = dice.one_of([1, 1, 1, 1, 1000, SECOND_NS])
        if dice.rarely(400 if self.is_busy else 24):
            after_ns = dice.one_of([HOUR_NS, 11 * HOUR_NS, 24 * HOUR_NS, 25 * HOUR_NS])
        self.time_ns += after_ns
        if self.undrawn and not dice.rarely(4):
            self.sequence += 1
            return self._draw_end(after_ns)
        if dice.rarely(16 if self.calls else 150 if self.is_busy else 24):
            self.sequence += 1
            return Message(OPERATOR_SESSION, (self._phase(),), after_ns, 0, 7)
        if self.protects and dice.rarely(20):
            self.sequence += 1
            return Message(OPERATOR_SESSION, (self._protection(),), after_ns, 0, 7)
        if dice.rarely(150 if self.is_busy else 30):
            self.sequence += 1
            return self._record(after_ns)
        if dice.rarely(200 if self.is_busy else 20):
            self.sequence += 1
            return Message(OPERATOR_SESSION, (self._operator_command(),), after_ns, 0, 7)
        session = dice.one_of(sorted(self.owners))
        items = tuple(self._item(self.owners[session]) for _ in range(dice.one_of([1, 1, 1, 1, 2, 4])))
        age_ns = dice.one_of([0, 0, 0, 0, 0, 0, 5, SECOND_NS])
        if dice.rarely(100 if self.is_busy else 12):
            age_ns = dice.one_of([-HOUR_NS, -HOUR_NS - 1, 10 * HOUR_NS, 23 * HOUR_NS, 23 * HOUR_NS + 1])
        return Message(session, items, after_ns, age_ns, dice.one_of([0, 1, 50]))

    def _record(self, after_ns: int) -> Step:
        if self.dice.rarely(2):
            return Record(TimeTicked(), after_ns)
        session = self.dice.one_of(sorted(self.owners))
        if self.dice.rarely(2) or len(self.owners) == 1:
            number, self.next_session = self.next_session, self.next_session + 1
            self.owners[number] = self.owners[session]
            return Record(SessionOpened(number, self.owners[number], TRADER, 0, True), after_ns)
        del self.owners[session]
        return Record(SessionEnded(session), after_ns)

    def _item(self, account: str) -> Any:
        kind = 0 if self.is_busy and not self.dice.rarely(4) else self.dice.draw(32)
        if kind == 31:
            return Malformed("not a command")
        self.sequence += 1
        if kind < 14:
            return self._asked_by(account, self._enter(account))
        if kind < 18:
            return CancelOrder(*self._order_name(account))
        if kind < 27:
            price = 0 if self.dice.rarely(3) else self._price()
            quantity = 0 if self.dice.rarely(3) else self._quantity()
            name = self._order_name(account)
            return self._asked_by(account, ReplaceOrder(self._id("r"), *name, price, quantity))
        if kind < 29:  # again
            mine = [command for owner, _, _, command in self.asked[-60:] if owner == account]
            return self.dice.one_of(mine) if mine else CancelOrder()
        if kind < 30:
            if self.dice.rarely(3):
                return CancelAllAfter(
                    self.dice.one_of([0, 1, 1000, 1000, 3_600_000, 86_400_000, 86_400_001, -1])
                )
            return MassCancel(self.dice.one_of(["", *SYMBOLS, "NONE"]), self.dice.one_of([0, 0, 1, 2, 3]))
        return self._operator_command()

    def _asked_by(self, account: str, command: EnterOrder | ReplaceOrder) -> EnterOrder | ReplaceOrder:
        name = command.client_order_id if isinstance(command, EnterOrder) else command.request_id
        self.asked.append((account, name, self.sequence, command))
        return command

    def _enter(self, account: str) -> EnterOrder:
        dice = self.dice
        order_type, time_in_force, flags = dice.one_of(_BUSY_KINDS if self.is_busy else _KINDS)
        at_market = order_type in (MARKET, STOP, TAKE_PROFIT, TRAILING_STOP)
        quantity, price = self._quantity(), 0 if at_market and dice.rarely(2) else self._price()
        fields: dict[str, Any] = {
            "symbol": dice.one_of([SYMBOLS[0], SYMBOLS[0], SYMBOLS[1]]),
            "side": dice.one_of([1, 2]),
            "quantity_lots": quantity,
            "price_ticks": price,
            "order_type": order_type,
            "time_in_force": time_in_force,
            "flags": flags,
            "expires_ns": self._end_ns() if time_in_force == GTD else 0,
        }
        if order_type == TRAILING_STOP:
            fields[dice.one_of(["trail_ticks", "trail_basis_points"])] = dice.one_of([1, 1, 2, 3, 9])
            if "trail_basis_points" in fields:
                fields["trail_basis_points"] *= 1000
        elif order_type in (STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT):
            fields["trigger_price_ticks"] = self._price()
        if dice.rarely(2) or self.is_busy:
            fields |= self._instructions(quantity, not at_market and time_in_force not in (IOC, FOK), flags)
        if dice.rarely(2 if self.is_busy else 3):
            fields |= self._links(account)
        if order_type == PEGGED:
            fields |= self._peg(fields["side"])
        if dice.rarely(64 if self.is_busy else 16):  # one field, sometimes two, as no client should send it
            for _ in range(dice.one_of([1, 1, 2])):
                name, values = dice.one_of(_WRONG)
                fields[name] = dice.one_of(values)
        return EnterOrder(self._id("o"), **fields)

    def _instructions(self, quantity: int, rests: bool, flags: int) -> dict[str, int]:
        """Some that go together."""
        dice = self.dice
        fields = {}
        if rests and not flags & HIDDEN and dice.rarely(2):
            fields["display_lots"] = dice.one_of([2, 2, 3, quantity - 1]) if quantity > 3 else 0
        if not flags & (POST_ONLY | POST_ONLY_REPRICE) and dice.rarely(4):
            fields["minimum_lots"] = dice.one_of([1, 2, quantity - 1, quantity])
        if dice.rarely(2) or not rests:
            fields["self_trade"] = dice.one_of(
                [CANCEL_NEWEST, CANCEL_OLDEST, CANCEL_OLDEST, CANCEL_BOTH, DECREMENT]
            )
        if dice.rarely(4):
            fields["self_trade_group"] = dice.one_of([7, 7, 8])
        return fields

    def _peg(self, side: int) -> dict[str, int]:
        """What a pegged order follows, at an offset that leads away from the other side."""
        dice = self.dice
        peg = dice.one_of([BEST_BID, BEST_ASK, MIDPOINT])
        away = dice.one_of([0, 0, 0, 1, 1, 2])
        fields = {"price_ticks": self._price() if dice.rarely(4) else 0, "minimum_lots": 0, "peg": peg}
        if peg == MIDPOINT:
            fields |= {"flags": HIDDEN, "display_lots": 0}
        elif (peg == BEST_BID) != (side == 1):
            away += 1
        fields["peg_offset_ticks"] = -away if side == 1 else away
        return fields

    def _links(self, account: str) -> dict[str, str]:
        """To orders that the account has entered lately; seldom to any other name."""
        dice = self.dice
        mine = [
            name
            for owner, name, _, command in self.asked[-40:]
            if isinstance(command, EnterOrder) and owner == account
        ][-6:]
        fields = {}
        for field in dice.one_of(_LINKS):
            fields[field] = dice.one_of(mine) if mine and not dice.rarely(24) else self._id("o")
        return fields

    def _end_ns(self) -> int:
        """Some time, mostly one to come."""
        after_ns = self.dice.one_of(
            [-HOUR_NS, 0, 2, 5, 1000, 1000, SECOND_NS, SECOND_NS, HOUR_NS, 30 * HOUR_NS]
        )
        return self.time_ns + after_ns

    def _price(self) -> int:
        if self.is_busy:
            return self.dice.one_of([5, 6, 6, 7])
        return self.dice.one_of([2, 4, 5, 5, 6, 6, 7, 7, 8, 10, 12]) if not self.dice.rarely(40) else 13

    def _quantity(self) -> int:
        return self.dice.one_of([2, 2, 3, 4, 5, 8, 20]) if not self.dice.rarely(40) else 1

    def _id(self, letter: str) -> str:
        if self.dice.rarely(60):
            return self.dice.one_of(["line\nbreak", "\u03bb", "tab\t", " "])
        if self.asked and self.dice.rarely(20):
            return self.dice.one_of(self.asked[-20:])[1]
        return f"cl-{letter}{self.sequence}"

    def _order_name(self, account: str) -> tuple[int, str]:
        """An order by one of its ids, mostly an own one; sometimes of somebody else, by both ids or by none."""
        dice = self.dice
        kind = dice.draw(16)
        if kind == 0:
            return 0, ""
        asked = [one for one in self.asked[-40:] if one[0] == account] if kind < 14 else self.asked
        if not asked:
            return dice.draw(self.sequence), ""
        _, name, sequence, _ = dice.one_of(asked[-12:])
        if kind == 1:
            return sequence, name
        return (sequence, "") if dice.rarely(3) else (0, name)

    def _phase(self) -> SetPhase:
        """Mostly an auction that ends by itself; seldom what is refused."""
        dice = self.dice
        symbol = dice.one_of([*SYMBOLS, SYMBOLS[0]])
        if dice.rarely(12):
            phase, duration_ms, random_ms, next_phase = dice.one_of(_WRONG_PHASES)
            return SetPhase(dice.one_of([symbol, "NONE"]), phase, duration_ms, random_ms, next_phase)
        phase = dice.one_of(_PHASES)
        duration_ms = random_ms = next_phase = 0
        if phase == HALTED or phase in AUCTIONS:
            duration_ms = dice.one_of([0, 1, 1000, 1000, 3000, 5000])
        if duration_ms and dice.rarely(3):
            next_phase = dice.one_of([one for one in PHASES if one != phase])
        if duration_ms and phase in AUCTIONS and dice.rarely(2):
            random_ms = dice.one_of([1, 1000, 600_000])
            self.undrawn.append((symbol, self.sequence, random_ms))
        return SetPhase(symbol, phase, duration_ms, random_ms, next_phase)

    def _protection(self) -> SetProtection:
        """Mostly bands of few prices around the middle; seldom none, and seldom what is refused."""
        dice = self.dice
        symbol = dice.one_of([*SYMBOLS, SYMBOLS[0]])
        if dice.rarely(8):
            return SetProtection(dice.one_of([symbol, symbol, "NONE"]), *dice.one_of(_WRONG_PROTECTIONS))
        if dice.rarely(8):
            return SetProtection(symbol, reference_ticks=dice.one_of([0, 0, 5, 7]))
        static, dynamic = dice.one_of(_BANDS)
        random_ms = dice.one_of([0, 0, 1, 1000])
        if random_ms:  # of an auction that may begin soon
            self.undrawn += [(symbol, self.sequence + ahead, random_ms) for ahead in (1, 2, 4)]
        return SetProtection(
            *(symbol, static, dynamic, dice.one_of([0, 0, 5, 6, 7]), dice.one_of([1, 1000, 3000])),
            *(random_ms, 1 if not static + dynamic or dice.rarely(2) else 0),
        )

    def _draw_end(self, after_ns: int) -> Step:
        """What the node draws when an auction has begun; sometimes of one that is over, or never was."""
        symbol, number, random_ms = self.undrawn.pop()
        delay_ns = min(self.dice.one_of([0, 1, SECOND_NS // 2, SECOND_NS]), random_ms * 10**6)
        if self.dice.rarely(12):
            symbol, number = self.dice.one_of([("NONE", number), (symbol, number - 1)])
        return Record(EndDrawn(symbol, number, delay_ns), after_ns)

    def _operator_command(self) -> Any:
        dice = self.dice
        kind = dice.draw(5)
        if kind == 4:
            return self._protection()
        if kind < 2:
            changes: dict[str, Any] = dice.one_of(_REDEFINITIONS)
            return btc(**changes)
        jump = dice.one_of([0, SECOND_NS, HOUR_NS, 12 * HOUR_NS, 24 * HOUR_NS])
        return AdvanceClock(DAWN_NS + jump * (1 + self.sequence // 16))


#: Order type, time in force and flags that go together; what stands there twice comes twice as often.
_KINDS = [
    *[(LIMIT, GTC, 0)] * 8,
    *[(LIMIT, IOC, 0), (LIMIT, FOK, 0), (LIMIT, FOK, 0)],
    *[(MARKET, IOC, 0), (MARKET, FOK, 0)],
    *[(LIMIT, DAY, 0), (LIMIT, GTD, 0), (LIMIT, GTD, 0)],
    *[(LIMIT, AT_OPEN, 0), (LIMIT, AT_CLOSE, 0), (LIMIT, GFA, 0)],
    *[(MARKET, AT_OPEN, 0), (MARKET, AT_CLOSE, 0), (MARKET, GFA, 0), (MARKET, GFA, 0)],
    *[(LIMIT, GTC, POST_ONLY), (LIMIT, GTC, POST_ONLY_REPRICE)],
    *[
        (STOP, GTC, 0),
        (STOP, GTD, 0),
        (TAKE_PROFIT, DAY, 0),
        (TRAILING_STOP, GTC, 0),
        (TRAILING_STOP, GTC, 0),
    ],
    *[
        (STOP_LIMIT, GTC, 0),
        (TAKE_PROFIT_LIMIT, FOK, 0),
        (STOP_LIMIT, IOC, 0),
        (TAKE_PROFIT_LIMIT, GTC, HIDDEN),
    ],
    *[(PEGGED, GTC, 0), (PEGGED, GTC, 0), (PEGGED, DAY, 0), (PEGGED, GTD, 0), (PEGGED, GTC, HIDDEN)],
    *[(LIMIT, GTC, HIDDEN), (LIMIT, GTC, HIDDEN), (LIMIT, GTD, HIDDEN | POST_ONLY), (LIMIT, DAY, HIDDEN)],
]
#: What a market does, and in between mostly what all are here for.
_PHASES = [
    *[CONTINUOUS, CONTINUOUS, CONTINUOUS, HALTED, CLOSED, PRE_OPEN, PRE_OPEN],
    *[OPENING_AUCTION, OPENING_AUCTION, VOLATILITY_AUCTION, VOLATILITY_AUCTION, CLOSING_AUCTION],
]
#: Phase, duration, random time and next phase that do not go together.
_WRONG_PHASES = [
    *[(0, 0, 0, 0), (8, 0, 0, 0), (9, 1000, 0, 0), (8, 1000, 1, 8)],
    *[(1, 1000, 0, 0), (3, 1000, 0, 0), (4, 1000, 0, 0), (5, -1, 0, 0), (2, 86_400_001, 0, 0)],
    *[(5, 1000, 600_001, 0), (5, 1000, -1, 0), (5, 0, 1, 0), (2, 1000, 1, 0), (6, 86_400_001, 1, 0)],
    *[(5, 1000, 0, 5), (5, 1000, 0, 8), (5, 1000, 0, -1), (5, 0, 0, 1)],
]
#: Static and dynamic bands, in basis points: of prices that are five to seven ticks.
_BANDS = [
    *[(0, 0), (0, 1_500), (0, 2_000), (0, 4_000), (1_500, 0), (2_500, 0), (5_000, 2_000), (5_000, 1_500)],
    *[(10_000, 10_000), (2_000, 2_000), (3_334, 1_667)],
]
#: Static and dynamic band, reference, times and rebalancing that no operator should send.
_WRONG_PROTECTIONS: list[tuple[Any, ...]] = [
    *[(-1, 0, 0, 1), (10_001, 0, 0, 1), (0, -1, 0, 1), (0, 10_001, 0, 1), (1_000, 1_001, 0, 1)],
    *[(1_000, 0, 13, 1), (1_000, 0, 1, 1), (1_000, 0, -1, 1), (1_000, 0, 0, 0), (1_000, 0, 0, -1)],
    *[(1_000, 0, 0, 86_400_001), (1_000, 0, 0, 1, 600_001), (1_000, 0, 0, 1, -1), (0, 0, 0, 1)],
    *[(0, 0, 0, 0, 1), (0, 0, 0, 1000, 0, 2), (0, 0, 0, 1000, 0, -1)],
]
#: Fields that link an order.
_LINKS = [("cancels_with",), ("cancels_with",), ("triggered_by",), ("cancels_with", "triggered_by")]
#: Mostly what rests in slices and what wants all or nothing: to count right is hardest where these meet.
_BUSY_KINDS = [
    *_KINDS,
    *[*[(LIMIT, GTC, 0)] * 16, *[(LIMIT, FOK, 0)] * 8, *[(LIMIT, IOC, 0)] * 4],
    *[(PEGGED, GTC, 0)] * 6,
]
#: Fields and values that no client should send, in most orders.
_WRONG: list[tuple[str, list[Any]]] = [
    ("side", [0, 3, -1]),
    ("order_type", [0, 9]),
    ("time_in_force", [0, 1, 3, 6, 8, 9]),
    ("flags", [1, 2, 3, 4, 6, 8, -1]),
    ("price_ticks", [-5, 0, 1, 13, 5]),
    ("quantity_lots", [-3, 0, 1, 21]),
    ("symbol", ["NONE", "btc-usd"]),
    ("expires_ns", [1, DAWN_NS + HOUR_NS, 2**62]),
    ("display_lots", [-1, 1, 2, 20, 2**62]),
    ("minimum_lots", [-1, 2, 21]),
    ("self_trade", [-1, 5]),
    ("trigger_price_ticks", [-1, 1, 5, 6, 13]),
    ("trail_ticks", [-1, 1, 10, 11]),
    ("peg", [-1, 0, 1, 2, 3, 4]),
    ("peg_offset_ticks", [-2, -1, 0, 1, 2, 2**62]),
    ("trail_basis_points", [-1, 1, 9_999, 10_000]),
    ("order_type", [LIMIT, MARKET, STOP, TRAILING_STOP, PEGGED]),
]

_REDEFINITIONS: list[dict[str, Any]] = [
    {"quantity_max_lots": 8},
    {"price_max_ticks": 7, "quantity_min_lots": 3},
    {"price_max_ticks": 6},
    {"price_min_ticks": 6},
    {},
    {},
    {"symbol": "SOL-USD", "base": "SOL"},
    {"symbol": "sol-usd"},
    {"base": "ETH"},
    {"tick_decimals": 19},
    {"lot_mantissa": 0},
    {"quote": "BTC"},
    {"price_min_ticks": 13},
    {"matching": PRICE_TIME},
    {"matching": PRO_RATA},
    {"matching": 3},
    {"pro_rata_minimum_lots": 1},
    {"quantity_max_lots": 2**62},
    {"quantity_max_lots": 2**40},
    {"quantity_max_lots": 2**40 + 1},
]


def conditions(dice: Dice, *, is_busy: bool) -> tuple[Rules, int, dict[str, int]]:
    """Limits low enough to be met in short logs, and sometimes high ones; a clock; how ETH-USD shares a level."""
    return (
        RULES_WITH_ROOM
        if is_busy
        else Rules(dice.one_of([4, 9, 1000]), dice.one_of([5, 40, 1000]), dice.one_of([2, 3])),
        dice.one_of([CLOCK_SYSTEM, CLOCK_SYSTEM, CLOCK_COMMANDS]),
        dice.one_of(
            [
                {},
                {"matching": PRICE_TIME},
                {"matching": PRO_RATA},
                {"matching": PRO_RATA, "pro_rata_minimum_lots": 2},
            ]
        ),
    )


def walk(seed: int, length: int) -> list[Step]:
    """A long random log: the same for the same seed."""
    dice = Dice(Random(seed).randrange)
    is_busy = dice.rarely(3)
    steps = opening(*conditions(dice, is_busy=is_busy))
    market = Market(dice, sequence=len(steps) + 1, is_busy=is_busy)
    return steps + [market.step() for _ in range(length)]


@st.composite
def logs(draw: st.DrawFn, length_max: int = 30) -> list[Step]:
    """A short random log that Hypothesis can shrink."""
    dice = Dice(lambda count: draw(st.integers(0, count - 1)))
    is_busy = dice.rarely(3)
    steps = opening(*conditions(dice, is_busy=is_busy))
    market = Market(dice, sequence=len(steps) + 1, is_busy=is_busy)
    count = draw(st.integers(1, length_max))
    return steps + [market.step() for _ in range(count)]


class Clock:
    """The times at which steps happen: given by the log, as a journal would have them."""

    def __init__(self) -> None:
        self.time_ns = 0

    def after(self, step: Step, state_time_ns: int) -> int:
        """When this step happens; never before the engine's time, which an operator may have moved."""
        self.time_ns = max(self.time_ns, state_time_ns) + step.after_ns
        return self.time_ns


def apply_step(engine: Engine, step: Step, time_ns: int) -> None:
    """What a node or a replay does with a step."""
    if isinstance(step, Record):
        engine.apply_record(step.record, time_ns)
    else:
        engine.apply_message(
            step.session, step.correlation_id, max(0, time_ns - step.age_ns), step.items, time_ns
        )


def timed(steps: Sequence[Step]) -> list[tuple[Step, int]]:
    """The steps with the times at which they happen."""
    engine, clock = Engine(), Clock()
    result = []
    for step in steps:
        time_ns = clock.after(step, engine.state.time_ns)
        result.append((step, time_ns))
        apply_step(engine, step, time_ns)
    return result


class Collected:
    """The streams of an engine put together from takes, with the check that their numbers are dense."""

    def __init__(self) -> None:
        self.streams: dict[str, list[Any]] = {}

    def add(self, taken: tuple[list[Stream], list[Stream]]) -> None:
        """One take more; AssertionError when a number is missing or comes twice."""
        private, public = taken
        assert all(events for _, _, events in private + public), "nothing is taken for nothing"
        for name, first_number, events in private + public:
            stream = self.streams.setdefault(name, [])
            assert first_number == len(stream) + 1, f"{name} goes on with its next number"
            stream += events

    def of_kind(self, kind: str) -> dict[str, list[Any]]:
        """The streams of one kind of topic, by symbol."""
        return {
            name.split(".")[1]: events
            for name, events in self.streams.items()
            if name.startswith(kind + ".") and name != "clock."
        }

    @property
    def private(self) -> dict[str, list[Any]]:
        """The accounts' reports."""
        return {name: events for name, events in self.streams.items() if not name.endswith(".")}

    @property
    def public(self) -> dict[str, list[Any]]:
        """The topics of the feed."""
        return {name: events for name, events in self.streams.items() if name.endswith(".")}
