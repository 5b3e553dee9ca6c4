"""The language of the scenarios: lines to actions. It drives nothing. Events to lines: `scenario_printing`.

Actions, one a line:

    start [clock=commands] [open-orders=N] [ids=N] [instruments=N] [trades=N] [clearing=spot]
    open NAME [as broker|operator] [cancel-on-disconnect]      a session; `anna/2` is another one of account anna
    end NAME                                                   it ends
    tick                                                       time moves on although nothing happens
    wait 23h                                                   what follows happens so much later
    wait until +8h                                             or then, since the dawn of all scenarios
    feed-lost                                                  the node stops the market, since nobody reads the feed
    NAME: COMMAND [; COMMAND ...] [created 23h ago|ahead] [deadline +1h] [all-or-nothing] [validate-only]   a message

Commands:

    enter ID SYMBOL buy|sell LOTS [@ TICKS] [TYPE] [TIME IN FORCE] [FLAG ...] [INSTRUCTION ...]
    cancel [ID] [#ORDER]
    replace ID [ID] [#ORDER] [LOTS] [@ TICKS]
    mass-cancel [SYMBOL] [buy|sell]
    cancel-all-after 5s|never
    transfer ID SOURCE TARGET UNITS ASSET [why WORD]           `venue:external` is where deposits come from
    asset NAME DECIMALS
    define SYMBOL BASE/QUOTE tick 1e-2 lot 1e-4 price 1..1000 quantity 1..100
    phase SYMBOL PHASE [for 5m] [random 30s] [then PHASE] [why WORD]
    protection SYMBOL [static=200bp] [dynamic=50bp] [reference=TICKS] [auction=30s] [random=5s] [rebalance]
    limits ACCOUNT [SYMBOL] [lots=N] [notional=N] [orders=N] [rejects=N/10s] [day-lots=N] [day-notional=N] [rate=N]
    risk ACCOUNT [SYMBOL] [long=N] [short=N] [open-notional=N] [loss=N [stops]] [collar=50bp] [per-fill=N] [from=N]
         [reduce-only] [position=N] [why WORD]
    kill-switch ACCOUNT on|off [why WORD]
    close|reopen ACCOUNT [why WORD]
    fees SYMBOL none
    fees SYMBOL MAKER/TAKER ... [of=notional|quantity|binary] [in=quote|base|received|ASSET] [ratio=1/3] [round=WAY]
        [step=N] [minimum=N] [maximum=N] [share=50%] [payout=TICKS] [volume=1/2] [why WORD]   rates: 0.1%/0.2%
    fee-tiers none|UNITS ...
    group-risk GROUP [SYMBOL] [long=N] [short=N] [open-notional=N] [day-lots=N] [day-notional=N] [loss=N [stops]]
    group-kill-switch GROUP on|off [why WORD]
    group GROUP [discount=25%] [why WORD]
    join ACCOUNT GROUP|none [why WORD]
    breakers [SYMBOL] [700bp=5m] [1300bp=5m] [2000bp=0s] [auction 5m] [random 30s] [why WORD]
    emergency on|off [cancel] [auction 5m] [random 30s] [why WORD]
    schedule SYMBOL none
    schedule SYMBOL ZONE DAYS ROW ... [/ DAYS ROW ...] [/ DATE [ROW ...]]   a ROW: 09:00 PHASE [random 30s]
    quote ID SYMBOL buy|sell LOTS [@ TICKS]
    bust SYMBOL TRADE
    correct SYMBOL TRADE @ TICKS
    advance-clock +1h                                          since the dawn of all scenarios
    malformed                                                  an item that is no command

What stands behind the lots of an order may come in any order; a limit order, GTC, goes without saying:

    market                                                     a price is then its protection limit
    stop|stop-limit|take-profit|take-profit-limit TICKS        with its trigger
    trailing-stop TICKS|50bp                                   with its distance
    peg best-bid|best-ask|midpoint [+1|-1]                     with its offset
    GTC|IOC|FOK|DAY|GTD|ATO|ATC|GFA   expires +1h                          since the dawn of all scenarios
    post-only|post-only-reprice|hidden
    display LOTS   minimum LOTS
    self-trade cancel-newest|cancel-oldest|cancel-both|decrement   group NUMBER
    cancels-with ID   triggered-by ID

Each command may end with `with FIELD=VALUE ...`, which sets a field to what no word says (`with side=3`).
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import msgspec

from bus.calendar.words import HoursRow, schedule_of
from bus.protocol import commands, terms
from bus.protocol.codec import Malformed

DAWN_NS = 1_767_225_600 * 10**9  # 2026-01-01

UNITS = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ns": 1}
_DURATION = re.compile(r"(\d+)(h|m|s|ns)")


@dataclass(frozen=True)
class Start:
    """A new incarnation of the engine."""

    clock: int
    open_orders: int
    ids: int
    instruments: int
    trades: int
    clearing: int = terms.CLEARING_NONE


@dataclass(frozen=True)
class Open:
    """A session of the account that its name has before the slash."""

    name: str
    role: int
    cancel_on_disconnect: bool

    @property
    def account(self) -> str:
        """Whose it is."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class End:
    """The end of a session."""

    name: str


@dataclass(frozen=True)
class Tick:
    """Time moves on."""


@dataclass(frozen=True)
class Wait:
    """What follows happens later: by so much, or at a moment."""

    duration_ns: int
    until_ns: int = 0

    def end_ns(self, now_ns: int) -> int:
        """The time behind it."""
        assert not self.until_ns or self.until_ns > now_ns, "time goes on"
        return self.until_ns or now_ns + self.duration_ns


@dataclass(frozen=True)
class FeedLost:
    """The feed has too few readers."""


@dataclass(frozen=True)
class Send:
    """A message of commands, made `age_ns` ago (ahead, when negative)."""

    name: str
    items: tuple[Any, ...]
    age_ns: int
    deadline_ns: int = 0
    options: int = 0


Action = Start | Open | End | Tick | Wait | FeedLost | Send


class NotUnderstood(ValueError):
    """A line of a scenario is none of this language."""


def parse_action(line: str) -> Action:
    """The action of a line. Raises NotUnderstood."""
    try:
        return _action(line)
    except NotUnderstood:
        raise
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise NotUnderstood(f"{line!r}: {type(error).__name__} {error}") from error


def _action(line: str) -> Action:
    name, colon, rest = line.partition(": ")
    if colon and " " not in name:
        asked = 0
        for option, word in (
            (terms.VALIDATE_ONLY, " validate-only"),
            (terms.ALL_OR_NOTHING, " all-or-nothing"),
        ):
            asked |= option if rest.endswith(word) else 0
            rest = rest.removesuffix(word)
        rest, _, deadline = rest.partition(" deadline ")
        deadline_ns = DAWN_NS + _duration(deadline.removeprefix("+")) if deadline else 0
        text, _, age = rest.partition(" created ")
        items = tuple(_command(part.strip().split(" ")) for part in text.split(" ; "))
        return Send(name, items, _age(age), deadline_ns, asked)
    verb, *words = line.split(" ")
    if verb == "start":
        settings = dict(word.split("=") for word in words)
        clock = _number(terms.CLOCKS, settings.pop("clock", "system"))
        clearing = _number(terms.CLEARINGS, settings.pop("clearing", "none"))
        limits = {"open-orders": "100", "ids": "100", "instruments": "10", "trades": "100"} | settings
        if len(limits) == 4:
            open_orders, ids, instruments, trades = (
                int(limits[name]) for name in ("open-orders", "ids", "instruments", "trades")
            )
            return Start(clock, open_orders, ids, instruments, trades, clearing)
    elif verb == "open":
        role, on_disconnect = terms.TRADER, words[-1] == "cancel-on-disconnect"
        options = words[1:-1] if on_disconnect else words[1:]
        if options:
            (_, role_name) = options
            role = _number(terms.ROLES, role_name)
        return Open(words[0], role, on_disconnect)
    elif verb == "end" and len(words) == 1:
        return End(words[0])
    elif verb == "tick" and not words:
        return Tick()
    elif verb == "feed-lost" and not words:
        return FeedLost()
    elif verb == "wait" and words[0] == "until" and len(words) == 2:
        return Wait(0, DAWN_NS + _duration(words[1].removeprefix("+")))
    elif verb == "wait" and len(words) == 1:
        return Wait(_duration(words[0]))
    raise NotUnderstood(f"{line!r} is no action")


def _age(text: str) -> int:
    if not text:
        return 0
    duration, direction = text.split(" ")
    return _duration(duration) * {"ago": 1, "ahead": -1}[direction]


def _command(words: list[str]) -> Any:
    verb, *words = words
    changes: dict[str, Any] = {}
    if "with" in words:
        at = words.index("with")
        words, assignments = words[:at], words[at + 1 :]
        changes = {name: json.loads(value) for name, _, value in (a.partition("=") for a in assignments)}
    if verb not in _COMMANDS:
        raise NotUnderstood(f"{verb!r} is no command")
    command = msgspec.structs.replace(_COMMANDS[verb](words), **changes)
    if any(isinstance(value, list) for value in changes.values()):
        # Rows are tuples, as a reader of the wire has them.
        return msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=type(command))
    return command


def _enter(words: list[str]) -> commands.EnterOrder:
    name, symbol, side, quantity, *options = words
    fields: dict[str, Any] = {"price_ticks": 0}
    while options:
        options = _option(fields, options[0], options[1:])
    if fields["price_ticks"] == 0 and "order_type" not in fields and words[4:6] != ["@", "0"]:
        raise NotUnderstood("a limit order has a price")
    return commands.EnterOrder(name, symbol, _number(terms.SIDES, side), int(quantity), **fields)


def _option(fields: dict[str, Any], word: str, more: list[str]) -> list[str]:
    """Take what a word (and those that belong to it) says about an order; what follows."""
    if word in terms.FLAGS.values():
        fields["flags"] = fields.get("flags", 0) | _number(terms.FLAGS, word)
        return more
    if word in terms.TIMES_IN_FORCE.values():
        fields["time_in_force"] = _number(terms.TIMES_IN_FORCE, word)
        return more
    if word in _NUMBERS:
        fields[_NUMBERS[word]] = int(more[0])
    elif word in _NAMES:
        fields[_NAMES[word]] = more[0]
    elif word == "expires":
        fields["expires_ns"] = DAWN_NS + _duration(more[0].removeprefix("+"))
    elif word == "self-trade":
        fields["self_trade"] = _number(terms.SELF_TRADES, more[0])
    elif word == "peg":
        fields |= {"order_type": terms.PEGGED, "peg": _number(terms.PEGS, more[0])}
        if more[1:] and more[1][0] in "+-":
            fields["peg_offset_ticks"] = int(more[1])
            return more[2:]
    elif word in terms.ORDER_TYPES.values():
        fields["order_type"] = order_type = _number(terms.ORDER_TYPES, word)
        if order_type in (terms.LIMIT, terms.MARKET):
            return more
        if order_type != terms.TRAILING_STOP:
            fields["trigger_price_ticks"] = int(more[0])
        elif more[0].endswith("bp"):
            fields["trail_basis_points"] = int(more[0].removesuffix("bp"))
        else:
            fields["trail_ticks"] = int(more[0])
    else:
        raise NotUnderstood(f"{word!r} is no word of an order")
    return more[1:]


#: Words that a number of lots, ticks or the like follows, and those that the id of an order follows.
_NUMBERS = {
    "@": "price_ticks",
    "display": "display_lots",
    "minimum": "minimum_lots",
    "group": "self_trade_group",
}
_NAMES = {"cancels-with": "cancels_with", "triggered-by": "triggered_by"}


def _cancel(words: list[str]) -> commands.CancelOrder:
    order_id, name, rest = _order_name(words)
    if rest:
        raise NotUnderstood(f"{rest} is too much for a cancel")
    return commands.CancelOrder(order_id, name)


def _replace(words: list[str]) -> commands.ReplaceOrder:
    order_id, name, rest = _order_name(words[1:])
    price = int(rest[rest.index("@") + 1]) if "@" in rest else 0
    quantity = int(rest[0]) if rest and rest[0] != "@" else 0
    return commands.ReplaceOrder(words[0], order_id, name, price, quantity)


def _order_name(words: list[str]) -> tuple[int, str, list[str]]:
    """An order named by its id, by the client's, by both or not at all; and the words that follow."""
    order_id, name = 0, ""
    while words and words[0] != "@" and not words[0].lstrip("-").isdigit():
        if words[0].startswith("#"):
            order_id = int(words[0][1:])
        else:
            name = words[0]
        words = words[1:]
    return order_id, name, words


def _mass_cancel(words: list[str]) -> commands.MassCancel:
    side = _number(terms.SIDES, words.pop()) if words and words[-1] in terms.SIDES.values() else 0
    (symbol,) = words or [""]
    return commands.MassCancel(symbol, side)


def _cancel_all_after(words: list[str]) -> commands.CancelAllAfter:
    (after,) = words
    return commands.CancelAllAfter(0 if after == "never" else _duration(after) // 10**6)


def _define(words: list[str]) -> commands.DefineInstrument:
    symbol, assets, _, tick, _, lot, _, price, _, quantity = words
    (tick_mantissa, tick_decimals), (lot_mantissa, lot_decimals) = tick.split("e-"), lot.split("e-")
    (price_min, price_max), (quantity_min, quantity_max) = price.split(".."), quantity.split("..")
    base, quote = assets.split("/")
    return commands.DefineInstrument(
        symbol,
        base,
        quote,
        int(tick_mantissa),
        int(tick_decimals),
        int(lot_mantissa),
        int(lot_decimals),
        int(price_min),
        int(price_max),
        int(quantity_min),
        int(quantity_max),
    )


def _phase(words: list[str]) -> commands.SetPhase:
    symbol, phase, *more = words
    said = dict(zip(more[::2], more[1::2], strict=True))
    return commands.SetPhase(
        symbol,
        _number(terms.PHASES, phase),
        _duration(said.pop("for", "0s")) // 10**6,
        _duration(said.pop("random", "0s")) // 10**6,
        _number(terms.PHASES, said.pop("then")) if "then" in said else 0,
        said.pop("why", ""),
    )


def _protection(words: list[str]) -> commands.SetProtection:
    symbol, *rest = words
    said = dict(word.split("=") for word in rest if word != "rebalance")
    return commands.SetProtection(
        symbol,
        int(said.pop("static", "0").removesuffix("bp")),
        int(said.pop("dynamic", "0").removesuffix("bp")),
        int(said.pop("reference", "0")),
        _duration(said.pop("auction", "0s")) // 10**6,
        _duration(said.pop("random", "0s")) // 10**6,
        int("rebalance" in rest),
        **said,
    )


def _schedule(words: list[str]) -> commands.SetSchedule:
    symbol, zone, *more = words
    if zone == "none":
        return commands.SetSchedule(symbol, "", [])
    days: dict[str, list[HoursRow]] = {}
    holidays: dict[str, list[HoursRow]] = {}
    for part in " ".join(more).split(" / "):
        name, *rest = part.split(" ")
        rows = (holidays if name[0].isdigit() else days).setdefault(name, [])
        while rest:
            at, phase, *rest = rest
            random_ms = 0
            if rest[:1] == ["random"]:
                random_ms = _duration(rest[1]) // 10**6
                rest = rest[2:]
            rows.append((at, phase, random_ms))
    return schedule_of(symbol, zone, days, holidays)


def _advance_clock(words: list[str]) -> commands.AdvanceClock:
    (since,) = words
    return commands.AdvanceClock(DAWN_NS + _duration(since.removeprefix("+")))


def _correct(words: list[str]) -> commands.CorrectTrade:
    symbol, trade_id, _, price = words
    return commands.CorrectTrade(symbol, int(trade_id), int(price))


def _quote(words: list[str]) -> commands.Quote:
    name, symbol, side, quantity, *rest = words
    price = int(rest[rest.index("@") + 1]) if rest else 0
    return commands.Quote(name, symbol, _number(terms.SIDES, side), int(quantity), price)


def _transfer(words: list[str]) -> commands.Transfer:
    name, source, target, amount, asset, *why = words
    return commands.Transfer(name, source, target, asset, int(amount), why[1] if why else "")


def _limits(words: list[str]) -> commands.SetLimits:
    account, *rest = words
    symbol = rest.pop(0) if rest and "=" not in rest[0] else ""
    limits = dict(word.split("=") for word in rest)
    rejects, _, window = limits.pop("rejects", "0/0s").partition("/")
    names = {
        "lots": "order_lots_max",
        "notional": "order_notional_max",
        "orders": "open_orders_max",
        "day-lots": "day_lots_max",
        "day-notional": "day_notional_max",
        "rate": "commands_per_s_max",
    }
    return commands.SetLimits(
        account,
        symbol,
        **{names[name]: int(value) for name, value in limits.items()},
        rejects_max=int(rejects),
        rejects_window_ms=_duration(window) // 10**6,
    )


def _risk(words: list[str]) -> commands.SetRisk:
    account, *rest = words
    symbol = rest.pop(0) if rest and rest[0].isupper() and "=" not in rest[0] else ""
    why = rest[rest.index("why") + 1] if "why" in rest else ""
    rest = rest[: rest.index("why")] if why else rest
    limits = dict(word.split("=") for word in rest if "=" in word)
    names = {
        "long": "long_lots_max",
        "short": "short_lots_max",
        "open-notional": "open_notional_max",
        "loss": "day_loss_max",
        "collar": "collar_basis_points",
        "per-fill": "commands_per_fill_max",
        "from": "commands_from",
        "position": "position_lots",
    }
    return commands.SetRisk(
        account,
        symbol,
        **{names[name]: int(value.removesuffix("bp")) for name, value in limits.items()},
        loss_stops="stops" in rest,
        reduce_only="reduce-only" in rest,
        why=why,
    )


def _group_risk(words: list[str]) -> commands.SetGroupRisk:
    group, *rest = words
    symbol = rest.pop(0) if rest and rest[0].isupper() and "=" not in rest[0] else ""
    limits = dict(word.split("=") for word in rest if "=" in word)
    names = {
        "long": "long_lots_max",
        "short": "short_lots_max",
        "open-notional": "open_notional_max",
        "day-lots": "day_lots_max",
        "day-notional": "day_notional_max",
        "loss": "day_loss_max",
    }
    fields: dict[str, Any] = {names[name]: int(value) for name, value in limits.items()}
    return commands.SetGroupRisk(group, symbol, **fields, loss_stops="stops" in rest)


def _group_kill_switch(words: list[str]) -> commands.SetGroupKillSwitch:
    group, on, *why = words
    return commands.SetGroupKillSwitch(group, {"on": True, "off": False}[on], why[1] if why else "")


def _kill_switch(words: list[str]) -> commands.SetKillSwitch:
    account, on, *why = words
    return commands.SetKillSwitch(account, {"on": True, "off": False}[on], why[1] if why else "")


def _close(words: list[str], closed: bool) -> commands.CloseAccount:
    account, *why = words
    return commands.CloseAccount(account, closed, why[1] if why else "")


def _fees(words: list[str]) -> commands.SetFees:
    symbol, *rest = words
    why = rest.pop() if "why" in rest else ""
    said = dict(word.split("=") for word in rest if "=" in word)
    rates = [word.split("/") for word in rest if "/" in word and "=" not in word]
    paid = said.pop("in", "quote")
    third = paid not in terms.FEE_ASSETS.values()
    ratio, volume = Fraction(said.pop("ratio", "1")), Fraction(said.pop("volume", "1"))
    command = commands.SetFees(
        symbol,
        [(rate(maker), rate(taker)) for maker, taker in rates],
        _number(terms.FEE_BASES, said.pop("of", "notional")),
        terms.IN_THIRD if third else _number(terms.FEE_ASSETS, paid),
        paid if third else "",
        ratio.numerator,
        ratio.denominator,
        _number(terms.ROUNDINGS, said.pop("round", "up")),
        int(said.pop("step", "1")),
        int(said.pop("minimum", "0")),
        int(said.pop("maximum", "0")),
        rate(said.pop("share", "100%")),
        int(said.pop("payout", "0")),
        volume.numerator,
        volume.denominator,
        why,
    )
    if said:
        raise NotUnderstood(f"{said} is nothing of fees")
    return command


def _fee_tiers(words: list[str]) -> commands.SetFeeTiers:
    return commands.SetFeeTiers([] if words == ["none"] else [int(word) for word in words])


def _group(words: list[str]) -> commands.SetGroup:
    group, *more = words
    discount = 0
    if more and more[0].startswith("discount="):
        discount = rate(more.pop(0).removeprefix("discount="))
    return commands.SetGroup(group, discount, more[1] if more else "")


def _join(words: list[str]) -> commands.JoinGroup:
    account, group, *why = words
    return commands.JoinGroup(account, "" if group == "none" else group, why[1] if why else "")


def rate(text: str) -> int:
    """A share of one in billionths: `25%`, `0.0025`."""
    share = Fraction(text.removesuffix("%")) / (100 if text.endswith("%") else 1) * 10**9
    if share.denominator != 1:
        raise NotUnderstood(f"{text!r} is no whole number of billionths")
    return int(share)


def _breakers(words: list[str]) -> commands.SetBreakers:
    symbol = words.pop(0) if words and words[0].isupper() and "=" not in words[0] else ""
    levels = []
    while words and "=" in words[0]:
        decline, _, halt = words.pop(0).partition("=")
        levels.append((int(decline.removesuffix("bp")), _duration(halt) // 10**6))
    first, second, third = levels + [(0, 0)] * (3 - len(levels))
    said = dict(zip(words[::2], words[1::2], strict=True))
    auction, random = (_duration(said.get(name, "0s")) // 10**6 for name in ("auction", "random"))
    return commands.SetBreakers(symbol, *first, *second, *third, auction, random, said.get("why", ""))


def _emergency(words: list[str]) -> commands.SetEmergency:
    on, *more = words
    cancels = more[:1] == ["cancel"]
    more = more[1:] if cancels else more
    said = dict(zip(more[::2], more[1::2], strict=True))
    auction, random = (_duration(said.get(name, "0s")) // 10**6 for name in ("auction", "random"))
    return commands.SetEmergency(
        {"on": True, "off": False}[on], cancels, auction, random, said.get("why", "")
    )


_COMMANDS: dict[str, Callable[[list[str]], Any]] = {
    "enter": _enter,
    "cancel": _cancel,
    "replace": _replace,
    "mass-cancel": _mass_cancel,
    "cancel-all-after": _cancel_all_after,
    "define": _define,
    "phase": _phase,
    "protection": _protection,
    "schedule": _schedule,
    "advance-clock": _advance_clock,
    "limits": _limits,
    "risk": _risk,
    "group-risk": _group_risk,
    "group-kill-switch": _group_kill_switch,
    "kill-switch": _kill_switch,
    "close": lambda words: _close(words, True),
    "reopen": lambda words: _close(words, False),
    "fees": _fees,
    "fee-tiers": _fee_tiers,
    "group": _group,
    "join": _join,
    "emergency": _emergency,
    "breakers": _breakers,
    "quote": _quote,
    "transfer": _transfer,
    "asset": lambda words: commands.DefineAsset(words[0], int(words[1])),
    "bust": lambda words: commands.BustTrade(words[0], int(words[1])),
    "correct": _correct,
    "malformed": lambda _: Malformed("no command"),
}


def _number(names: Mapping[int, str], name: str) -> int:
    """The number of a word."""
    return {its: number for number, its in names.items()}[name]


def _duration(text: str) -> int:
    parts = _DURATION.findall(text)
    if "".join(number + unit for number, unit in parts) != text:
        raise NotUnderstood(f"{text!r} is no duration")
    return sum(int(number) * UNITS[unit] for number, unit in parts)
