"""Messages of the protocol as plain values for `--json`: the one place where their names leave the program.

Fields keep the protocol's names. Numbers that stand for a word become the word (`"side": "buy"`), and beside ticks and
lots stand exact decimals as text (`"price_ticks": 3000000, "price": "30000.00"`) where the instrument is known.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from bus.protocol import commands, history, terms
from bus.protocol.reasons import reason_name
from bus.sockets.session.prices import Scale

_COMMANDS: Final[Mapping[int, str]] = {
    struct.__struct_config__.tag: struct.__name__  # type: ignore[misc]
    for struct in (
        commands.EnterOrder,
        commands.CancelOrder,
        commands.ReplaceOrder,
        commands.MassCancel,
        commands.CancelAllAfter,
        commands.Quote,
        commands.Transfer,
        commands.DefineAsset,
        commands.DefineInstrument,
        commands.SetPhase,
        commands.SetSchedule,
        commands.AdvanceClock,
        commands.SetLimits,
        commands.SetBreakers,
        commands.SetEmergency,
        commands.SetKillSwitch,
        commands.CloseAccount,
        commands.SetFees,
        commands.SetFeeTiers,
        commands.SetGroup,
        commands.JoinGroup,
        commands.SetRisk,
        commands.SetGroupRisk,
        commands.SetGroupKillSwitch,
        commands.BustTrade,
        commands.CorrectTrade,
        commands.SetProtection,
    )
}

#: Fields that hold a number for a word, by name. 0 stands for "none" where it is no word.
_WORDS: Final[Mapping[str, Mapping[int, str]]] = {
    "side": terms.SIDES,
    "aggressor": terms.SIDES,
    "order_type": terms.ORDER_TYPES,
    "time_in_force": terms.TIMES_IN_FORCE,
    "liquidity": terms.LIQUIDITIES,
    "role": terms.ROLES,
    "clock": terms.CLOCKS,
    "command": _COMMANDS,
    "matching": terms.MATCHINGS,
    "peg": terms.PEGS,
    "self_trade": terms.SELF_TRADES,
    "state": history.EXECUTION_STATES,
    "phase": terms.PHASES,
    "next_phase": terms.PHASES,
    "cause": terms.CAUSES,
}

#: Of these there is both a price and a quantity: what they are stands in the name.
_PRICE_AND_QUANTITY: Final = ("best_", "auction_", "indicative_")
#: Amounts in ticks times lots, as text.
_QUOTE_AMOUNTS: Final = ("quote_volume", "taker_buy_quote")
#: Prices that may be 0.
_DIFFERENCES: Final = ("change_ticks", "spread_ticks")

#: Whose `status` is that of an order.
_OF_ORDERS: Final = ("Duplicate", "OpenOrder", "PastOrder")


def named(message: msgspec.Struct, scale: Scale | None = None) -> dict[str, Any]:
    """A message as names and values, its type first."""
    kind = type(message).__name__
    values: dict[str, Any] = {"type": kind}
    for name in message.__struct_fields__:
        value = getattr(message, name)
        values[name] = _shown(kind, name, value, scale)
        if scale is not None:
            values.update(_decimals(name, value, scale))
    return values


def _decimals(name: str, value: Any, scale: Scale) -> dict[str, Any]:
    """What stands beside a field, in decimals. Sums are whole numbers as text."""
    if isinstance(value, str) and (name in _QUOTE_AMOUNTS or name.endswith("_lots")) and value.isdecimal():
        if name in _QUOTE_AMOUNTS:
            return {f"{name}_decimal": f"{scale.price(1) * scale.quantity(int(value)):f}"}
        return {name.removesuffix("_lots"): f"{scale.quantity(int(value)):f}"}
    if not isinstance(value, int):
        return {}
    if name.startswith(_PRICE_AND_QUANTITY):
        if name.endswith("_ticks"):
            return {name.replace("_ticks", "_price"): f"{scale.price(value):f}" if value else None}
        if name.endswith("_lots"):
            return {name.replace("_lots", "_quantity"): f"{scale.quantity(value):f}"}
    if name.endswith("_microticks"):
        return {name.removesuffix("_microticks"): f"{scale.price(value).scaleb(-6):f}" if value else None}
    if name.endswith("_ticks"):
        # No price is 0 ticks: a market order has none, a replace keeps the one that is there.
        shown = f"{scale.price(value):f}" if value or name in _DIFFERENCES else None
        return {name.removesuffix("_ticks"): shown}
    if name.endswith("_lots"):
        return {name.removesuffix("_lots"): f"{scale.quantity(value):f}"}
    return {}


def json_line(values: Mapping[str, Any]) -> str:
    """One JSON object on one line."""
    return msgspec.json.encode(values).decode()


def time_text(time_ns: int) -> str:
    """UTC to the microsecond, for people."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest // 1000:06d}"


def command_name(tag: int) -> str:
    """The name of a command by its tag."""
    return _COMMANDS.get(tag, str(tag))


def flag_words(flags: int) -> list[str]:
    """The names of the bits of an order's flags."""
    return [name for bit, name in terms.FLAGS.items() if flags & bit]


def _shown(kind: str, name: str, value: Any, scale: Scale | None) -> Any:
    if isinstance(value, msgspec.Struct):
        return named(value, scale)
    if isinstance(value, list | tuple):
        return [_shown(kind, "", item, scale) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int) and not isinstance(value, bool):
        if name == "reason":
            return reason_name(value) if value else None
        if name == "flags":
            return flag_words(value)
        if name == "status" and kind in _OF_ORDERS:
            return terms.ORDER_STATUSES.get(value, value)
        if name in _WORDS:
            return _WORDS[name].get(value, value if value else None)
    return value
