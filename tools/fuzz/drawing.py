"""Drawing: a log from a seed. The same seed and length give the same log, on any machine.

Few symbols, prices, accounts and ids, so that everything meets everything. Commands are drawn by the fields that they
have, whatever commands there are: a new command or a new field is fuzzed without a word here. An order gets mostly
what makes sense together (`_KINDS`), since wholly random ones would all be refused at the gate.
"""

import typing
from collections import deque
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from msgspec import Raw, Struct

from bus.protocol import terms
from bus.protocol.codec import CommandMessage, encode
from bus.protocol.commands import (
    CancelAllAfter,
    CancelOrder,
    Command,
    DefineAsset,
    DefineInstrument,
    EnterOrder,
    MassCancel,
    SetFees,
    SetPhase,
    TraderCommand,
    Transfer,
)
from tools.fuzz.steps import Ends, Opens, Says, Starts, Step, Ticks

ACCOUNTS: Final = ("one", "two", "three")
SYMBOLS: Final = ("A-B", "C-B")
_GROUPS: Final = ("g1", "g2", "g2", "")
ASSETS: Final = ("A", "B", "C")
#: A tick times a lot is one unit of B, a lot a hundred of A.
_ASSET_DECIMALS: Final = 4
_SLOTS: Final = (*((account, terms.TRADER) for account in ACCOUNTS), ("house", terms.OPERATOR))
_HOUSE: Final = len(_SLOTS) - 1
_IDS: Final = 40
_HOUR_NS: Final = 3600 * 10**9
#: Engine time at which all logs begin: 2026-01-01.
BEGINNING_NS: Final = 1_767_225_600 * 10**9
_EDGES: Final = (0, 1, -1, 2, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63))
_COMMANDS: Final[tuple[type[Struct], ...]] = typing.get_args(Command)
_TRADERS: Final[tuple[type[Struct], ...]] = typing.get_args(TraderCommand)
#: Commands that empty books, which are to become deep now and then.
_SWEEPING: Final = (MassCancel, CancelAllAfter)
_TYPES: Final = {kind: typing.get_type_hints(kind) for kind in _COMMANDS}
#: How often a command is what traders send most.
_ENTERS: Final = 0.65
#: How often the operator speaks.
_OPERATES: Final = 0.05
_AGAIN: Final = 0.03
#: Of all values, how many are none that makes sense.
_WILD: Final = 0.02

_FOR_AUCTIONS: Final = (terms.AT_OPEN, terms.AT_CLOSE, terms.GFA)
#: What an operator makes of a market: it opens again soon, else nothing happens in it.
_PHASES: Final = (*(terms.CONTINUOUS,) * 12, *terms.PHASES, *terms.AUCTIONS, *terms.AUCTIONS)

#: Kinds of orders: how many of a hundred, and what they have beside side, quantity and price.
_KINDS: Final[tuple[tuple[int, dict[str, Any]], ...]] = (
    (30, {}),
    (8, {"time_in_force": terms.IOC}),
    (3, {"time_in_force": terms.FOK}),
    (8, {"order_type": terms.MARKET, "time_in_force": terms.IOC}),
    (4, {"flags": terms.POST_ONLY}),
    (3, {"flags": terms.POST_ONLY_REPRICE}),
    (5, {"flags": terms.HIDDEN}),
    (6, {"display_lots": range(1, 6)}),
    (4, {"minimum_lots": range(1, 10)}),
    (3, {"time_in_force": terms.DAY}),
    (4, {"time_in_force": terms.GTD, "expires_ns": "soon"}),
    (4, {"order_type": terms.STOP, "trigger_price_ticks": range(1, 25), "price_ticks": (0, 20)}),
    (4, {"order_type": terms.STOP_LIMIT, "trigger_price_ticks": range(1, 25)}),
    (2, {"order_type": terms.TAKE_PROFIT, "trigger_price_ticks": range(1, 25), "price_ticks": (0,)}),
    (2, {"order_type": terms.TAKE_PROFIT_LIMIT, "trigger_price_ticks": range(1, 25)}),
    (3, {"order_type": terms.TRAILING_STOP, "trail_ticks": range(1, 6), "price_ticks": (0,)}),
    (2, {"order_type": terms.TRAILING_STOP, "trail_basis_points": (100, 1500, 9999), "price_ticks": (0,)}),
    (5, {"order_type": terms.PEGGED, "peg": (1, 2, 3), "peg_offset_ticks": range(-3, 4)}),
    (4, {"time_in_force": _FOR_AUCTIONS}),
    (4, {"order_type": terms.MARKET, "time_in_force": _FOR_AUCTIONS}),
)
#: What any order may have besides, and how often.
_EXTRAS: Final[tuple[tuple[float, str, Any], ...]] = (
    (0.15, "self_trade", range(1, 5)),
    (0.05, "self_trade_group", (1, 2)),
    (0.06, "cancels_with", "id"),
    (0.06, "triggered_by", "id"),
)


def draw_steps(seed: int, commands: int) -> Iterator[Step]:
    """A log of about so many commands."""
    return _Drawing(Random(seed)).steps(commands)


class _Drawing:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._now_ns = BEGINNING_NS
        self._said = 0
        self._drawn = 0
        self._sent: list[deque[Struct]] = [deque(maxlen=_IDS) for _ in _SLOTS]
        self._slot = 0  # who speaks
        self._ids: list[deque[str]] = [deque(maxlen=_IDS) for _ in _SLOTS]
        self._clock = random.choice((terms.CLOCK_SYSTEM, terms.CLOCK_COMMANDS))
        self._clearing = random.choice((terms.CLEARING_NONE, terms.CLEARING_SPOT))
        self._trailing = len(CommandMessage.__struct_fields__) - 5  # of a message, behind its items

    def steps(self, commands: int) -> Iterator[Step]:
        yield Starts(1, self._clock, self._clearing)
        for slot, (account, role) in enumerate(_SLOTS):
            yield Opens(1, slot, account, role, slot == 1)
        if self._clearing:
            yield self._message(_HOUSE, [DefineAsset(asset, _ASSET_DECIMALS) for asset in ASSETS])
            yield self._message(_HOUSE, [self._deposit(name, asset) for asset in ASSETS for name in ACCOUNTS])
        yield self._message(_HOUSE, [self._definition(symbol) for symbol in SYMBOLS])
        while self._said < commands:
            yield self._step()

    def _step(self) -> Step:
        random = self._random
        drawn = random.random()
        after_ns = random.choice((1, 1, 1000, 10**6, 10**9))
        if drawn < 0.002:
            after_ns = random.choice((_HOUR_NS, 25 * _HOUR_NS))
        self._now_ns += after_ns
        if drawn < 0.003:
            return Starts(after_ns, self._clock, self._clearing)
        if drawn < 0.01:
            return Ticks(after_ns)
        slot = _HOUSE if random.random() < _OPERATES else random.randrange(_HOUSE)
        if drawn < 0.013:
            return Ends(after_ns, slot)
        if drawn < 0.02:
            account, role = _SLOTS[slot]
            return Opens(after_ns, slot, account, role, random.random() < 0.5)
        return self._message(
            slot, [self._command(slot) for _ in range(random.choice((1, 1, 1, 2, 3, 8)))], after_ns
        )

    def _message(self, slot: int, items: list[Struct], after_ns: int = 1) -> Says:
        random = self._random
        self._said += len(items)
        age_ns = random.choice((0, 0, 0, 0, 1, 2 * _HOUR_NS, -2 * _HOUR_NS)) if random.random() < 0.02 else 0
        trailing: list[int] = []
        if random.random() < 0.1:
            trailing = [
                random.choice((0, 0, 1, 2, 3, 2**62)) for _ in range(random.randint(0, self._trailing))
            ]
        first = random.choice((1, self._said, 2**62))
        return Says(after_ns, slot, first, age_ns, [Raw(encode(item)) for item in items], trailing)

    def _command(self, slot: int) -> Struct:
        """A command for a slot; now and then one that was sent before."""
        random = self._random
        self._slot = slot
        sent = self._sent[slot]
        command = random.choice(sent) if sent and random.random() < _AGAIN else self._new_command(slot)
        sent.append(command)
        return command

    def _new_command(self, slot: int) -> Struct:
        random = self._random
        if slot != _HOUSE and random.random() < _ENTERS:
            return self._enter()
        kind = random.choice(_COMMANDS if slot == _HOUSE or random.random() < 0.05 else _TRADERS)
        if kind in _SWEEPING and random.random() < 0.9:
            kind = CancelOrder
        if kind is DefineInstrument and random.random() < 0.8:
            return self._definition(random.choice(SYMBOLS))
        if kind is Transfer and random.random() < 0.5:
            return self._deposit(random.choice(ACCOUNTS), random.choice(ASSETS))
        if kind is SetPhase and random.random() < 0.8:
            return self._phase()
        if kind is SetFees and random.random() < 0.8:
            return self._fees()
        return kind(**{name: self._value(kind, name) for name in kind.__struct_fields__})

    def _enter(self) -> EnterOrder:
        random = self._random
        (chosen,) = random.choices([more for _, more in _KINDS], [weight for weight, _ in _KINDS])
        fields: dict[str, Any] = {
            "client_order_id": self._value(EnterOrder, "client_order_id"),
            "symbol": random.choice(SYMBOLS),
            "side": random.choice((terms.BUY, terms.SELL)),
            "quantity_lots": random.randint(1, 20),
            "price_ticks": random.randint(1, 24),
        }
        if chosen.get("order_type") == terms.MARKET and random.random() < 0.7:
            fields["price_ticks"] = 0
        for name, value in chosen.items():
            fields[name] = self._one_of(value)
        for chance, name, value in _EXTRAS:
            if random.random() < chance:
                fields[name] = self._one_of(value)
        for name in EnterOrder.__struct_fields__:
            if random.random() < _WILD:
                fields[name] = self._value(EnterOrder, name)
        return EnterOrder(**fields)

    def _one_of(self, value: Any) -> Any:
        if value == "soon":
            return self._soon()
        if value == "id":
            return self._id()
        return value if isinstance(value, int) else self._random.choice(value)

    def _value(self, kind: type[Struct], name: str) -> Any:
        """A value for a field, by what its name says and its type takes."""
        random = self._random
        if random.random() < _WILD:
            return random.choice((*_EDGES, "", "x" * 40, None, True, 1.5))
        if name == "group":
            return random.choice(_GROUPS)
        if name == "thresholds":
            return random.choice(([], [1000], [1000, 20_000], [5, 5]))
        if name == "symbol":
            return random.choice((*SYMBOLS, *SYMBOLS, "", "NONE"))
        if name in ("base", "quote", "asset"):
            return random.choice(ASSETS)
        if name in ("account", "source", "target"):
            return random.choice(
                ACCOUNTS if name == "account" else (*ACCOUNTS, *ACCOUNTS, "one.more", terms.EXTERNAL)
            )
        if _TYPES[kind][name] is str:
            return self._new_id() if name in ("client_order_id", "request_id", "transfer_id") else self._id()
        if _TYPES[kind][name] is bool:
            return random.random() < 0.3
        if name == "order_id":
            return random.randint(1, self._said + 10) if random.random() < 0.1 else 0
        if name == "trade_id":
            return random.randint(0, _IDS)
        if name == "side":
            return random.choice((0, 1, 2, 1, 2, 1, 2, 3))
        if name == "phase":
            return random.choice((*_PHASES, 9))
        if name.endswith("_max"):
            return random.choice((0, 0, 0, 15, 200)) * (30 if "notional" in name else 1)
        if name.endswith("_ns"):
            return self._soon()
        if name.endswith(("_ticks", "_lots")):
            return (
                random.choice((0, *range(1, 25), *_EDGES)) if random.random() < 0.5 else random.randint(1, 20)
            )
        return random.choice((0, 1, 1, 2, 2, 3, 4, 5, 7, 10, 100, random.choice(_EDGES)))

    def _definition(self, symbol: str) -> DefineInstrument:
        random = self._random
        high = random.choice((20, 20, 24))
        return DefineInstrument(symbol, symbol[0], "B", 1, 2, 1, 2, 1, high, random.choice((1, 1, 2)), 20)

    def _deposit(self, account: str, asset: str) -> Transfer:
        random = self._random
        return Transfer(
            self._new_id(), terms.EXTERNAL, account, asset, random.choice((100, 1000, 10_000, 100_000))
        )

    def _phase(self) -> SetPhase:
        random = self._random
        phase = random.choice(_PHASES)
        if phase != terms.HALTED and phase not in terms.AUCTIONS:
            return SetPhase(random.choice(SYMBOLS), phase)
        duration_ms = random.choice((0 if phase in terms.AUCTIONS else 1, 1, 1000, 10_000))
        random_ms = random.choice((0, 0, 1, 1000)) if duration_ms and phase in terms.AUCTIONS else 0
        next_phase = random.choice((0, 0, terms.CLOSING_AUCTION)) if duration_ms else 0
        return SetPhase(random.choice(SYMBOLS), phase, duration_ms, random_ms, next_phase)

    def _fees(self) -> SetFees:
        random = self._random
        takers = [
            random.choice((0, 10**6, 2 * 10**7, terms.RATE_ONE // 3)) for _ in range(random.choice((1, 3)))
        ]
        rates = [(random.choice((-(min(takers) // 2), 0, 10**7)), taker) for taker in takers]
        paid_in = random.choice((terms.IN_QUOTE, terms.IN_QUOTE, terms.IN_RECEIVED, terms.IN_THIRD))
        symbol = random.choice(SYMBOLS)
        third = (
            "".join(asset for asset in ASSETS if asset not in (symbol[0], "B"))
            if paid_in == terms.IN_THIRD
            else ""
        )
        return SetFees(
            symbol,
            rates if random.random() < 0.8 else [],
            terms.OF_NOTIONAL,
            paid_in,
            third,
            denominator=random.choice((1, 7)) if third else 1,
            rounding=random.choice(list(terms.ROUNDINGS)),
            minimum_units=random.choice((0, 0, 2)),
        )

    def _id(self) -> str:
        """One that was used lately, mostly."""
        ids = self._ids[self._slot]
        return self._random.choice(ids) if ids else "i"

    def _new_id(self) -> str:
        """Mostly a new one."""
        if self._random.random() < 0.05:
            return self._id()
        self._drawn += 1
        new = f"i{self._drawn}"
        self._ids[self._slot].append(new)
        return new

    def _soon(self) -> int:
        """A time near now."""
        return self._now_ns + self._random.choice((-1, 1, 10**3, 10**9, _HOUR_NS, 30 * _HOUR_NS))
