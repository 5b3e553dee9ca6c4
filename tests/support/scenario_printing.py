"""Events to lines, as scenarios have them.

Events are printed with all their fields, except what goes without saying: the sequence and the time of the command at
hand, and the session and correlation id of who asked. A report to somebody who did not ask ends with "unasked".
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from bus.calendar.words import second_text, weekdays_text
from bus.protocol import commands, feed, reports, terms
from bus.protocol.reasons import reason_name
from tests.support.scenario_language import DAWN_NS, UNITS


@dataclass(frozen=True)
class Moment:
    """What goes without saying about the events of one command: its time, and who asked."""

    time_ns: int
    session: int
    correlation_id: int


_CLASSES: dict[int, Any] = {
    cls.__struct_config__.tag: cls for cls in (*get_args(reports.Report), *get_args(feed.Event))
}
_VERBS = {
    commands.ENTER_ORDER: "enter",
    commands.CANCEL_ORDER: "cancel",
    commands.REPLACE_ORDER: "replace",
    commands.MASS_CANCEL: "mass-cancel",
    commands.CANCEL_ALL_AFTER: "cancel-all-after",
    commands.DEFINE_INSTRUMENT: "define",
    commands.SET_PHASE: "phase",
    commands.SET_PROTECTION: "protection",
    commands.SET_SCHEDULE: "schedule",
    commands.ADVANCE_CLOCK: "advance-clock",
    commands.QUOTE: "quote",
    commands.TRANSFER: "transfer",
    commands.DEFINE_ASSET: "asset",
    commands.SET_LIMITS: "limits",
    commands.SET_KILL_SWITCH: "kill-switch",
    commands.CLOSE_ACCOUNT: "close",
    commands.SET_FEES: "fees",
    commands.SET_FEE_TIERS: "fee-tiers",
    commands.SET_GROUP: "group",
    commands.JOIN_GROUP: "join",
    commands.SET_RISK: "risk",
    commands.SET_GROUP_RISK: "group-risk",
    commands.SET_GROUP_KILL_SWITCH: "group-kill-switch",
    commands.SET_EMERGENCY: "emergency",
    commands.SET_BREAKERS: "breakers",
    commands.BUST_TRADE: "bust",
    commands.CORRECT_TRADE: "correct",
}


def _fee(it: reports.Settled) -> str:
    if not it.fee_asset:
        return ""
    word = "a fee" if it.fee > 0 else "a rebate"
    return f"; {word} of {abs(it.fee)} {it.fee_asset}, {it.fee_total} there"


def event_line(stream: str, event: tuple[Any, ...], moments: Mapping[int, Moment]) -> str:
    """An event of an account or topic. `moments`: what goes without saying, by sequence."""
    named = _CLASSES[event[0]](*event[1:])
    line = f"{stream.removesuffix('.')} {_PRINTERS[type(named)](named)}"
    moment = moments.get(named.sequence)
    if moment is None:
        return f"{line} [sequence {named.sequence}]"
    if hasattr(named, "session"):
        if (named.session, named.correlation_id) == (0, 0):
            line += ", unasked"
        elif (named.session, named.correlation_id) != (moment.session, moment.correlation_id):
            line += f" [session {named.session}, correlation {named.correlation_id}]"
    if hasattr(named, "time_ns") and named.time_ns != moment.time_ns:
        line += f" at {time_text(named.time_ns)}"
    return line


def time_text(time_ns: int) -> str:
    """A time since the dawn, exact."""
    left, text = time_ns - DAWN_NS, "+"
    for unit, length_ns in UNITS.items():
        count, left = divmod(left, length_ns)
        text += f"{count}{unit}" if count or (unit == "ns" and text == "+") else ""
    return text


def _phase_changed(it: feed.PhaseChanged) -> str:
    words = [terms.PHASES[it.phase]]
    words += [f"by {terms.CAUSES[it.cause]}"] if it.cause != terms.BY_OPERATOR else []
    words += [f"until {time_text(it.ends_ns)}"] if it.ends_ns else []
    return " ".join(words)


def _protection_set(it: feed.ProtectionSet) -> str:
    words = [f"protection reference {it.reference_ticks}"]
    if it.static_basis_points:
        words.append(f"static {it.static_basis_points}bp {it.static_low_ticks}..{it.static_high_ticks}")
    words += [f"dynamic {it.dynamic_basis_points}bp"] if it.dynamic_basis_points else []
    words += [f"auction {it.auction_ms}ms"] if it.auction_ms else []
    words += [f"random {it.random_ms}ms"] if it.random_ms else []
    words += ["rebalance"] if it.rebalance else []
    return ", ".join(words)


def _schedule_set(it: feed.ScheduleSet) -> str:
    if not it.days:
        return "schedule none"
    parts = [(weekdays_text(weekdays).replace(", ", ","), rows) for weekdays, rows in it.days]
    words = [
        " ".join([name, *(_row_words(*row) for row in rows)])
        for name, rows in parts + [(day, rows) for day, rows in it.holidays]
    ]
    return f"schedule {it.zone} {' / '.join(words)}"


def _row_words(second: int, phase: int, random_ms: int) -> str:
    chance = f" random {random_ms}ms" if random_ms else ""
    return f"{second_text(second)} {terms.PHASES[phase]}{chance}"


def _accepted(it: reports.Accepted) -> str:
    words = [
        f"accepted {it.client_order_id} #{it.order_id} {it.symbol} {terms.SIDES[it.side]} {it.quantity_lots}"
    ]
    if it.order_type == terms.PEGGED:
        words.append(
            f"peg {terms.PEGS[it.peg]}" + (f" {it.peg_offset_ticks:+}" if it.peg_offset_ticks else "")
        )
    elif it.order_type != terms.LIMIT:
        words.append(terms.ORDER_TYPES[it.order_type])
        words += [str(it.trigger_price_ticks)] if it.trigger_price_ticks else []
        words += [str(it.trail_ticks)] if it.trail_ticks else []
        words += [f"{it.trail_basis_points}bp"] if it.trail_basis_points else []
    if it.price_ticks or it.order_type == terms.LIMIT:
        words.append(f"@ {it.price_ticks}")
    words.append(terms.TIMES_IN_FORCE[it.time_in_force])
    words += [f"expires {time_text(it.expires_ns)}"] if it.expires_ns else []
    words += [flag for bit, flag in terms.FLAGS.items() if it.flags & bit]
    words += [f"display {it.display_lots}"] if it.display_lots else []
    words += [f"minimum {it.minimum_lots}"] if it.minimum_lots else []
    words += [f"self-trade {terms.SELF_TRADES[it.self_trade]}"] if it.self_trade else []
    words += [f"group {it.self_trade_group}"] if it.self_trade_group else []
    words += [f"cancels-with {it.cancels_with}"] if it.cancels_with else []
    words += [f"triggered-by {it.triggered_by}"] if it.triggered_by else []
    return " ".join(words)


def _rejected(it: reports.Rejected) -> str:
    request = f" {_id_text(it.request_id)}" if it.request_id else ""
    return f"rejected {_VERBS[it.command]}{request}: {reason_name(it.reason)}"


def _filled(it: reports.Filled) -> str:
    return (
        f"filled {it.client_order_id} #{it.order_id} {it.symbol} {terms.SIDES[it.side]} {it.quantity_lots}"
        f" @ {it.price_ticks} in trade {it.trade_id} as {terms.LIQUIDITIES[it.liquidity]},"
        f" {it.cumulative_lots} done, {it.leaves_lots} left"
    )


def _cancelled(it: reports.Cancelled) -> str:
    return (
        f"cancelled {it.client_order_id} #{it.order_id} {it.symbol} {it.quantity_lots} gone,"
        f" {it.cumulative_lots} done: {reason_name(it.reason)}"
    )


def _replaced(it: reports.Replaced) -> str:
    place = "keeps its place" if it.kept_priority else "goes to the back"
    return (
        f"replaced {it.request_id} {it.client_order_id} #{it.order_id} {it.symbol} {it.quantity_lots}"
        f" @ {it.price_ticks}, {it.leaves_lots} left, {place}"
    )


def _restated(it: reports.Restated) -> str:
    return (
        f"restated {it.client_order_id} #{it.order_id} {it.symbol} {it.quantity_lots} @ {it.price_ticks},"
        f" {it.leaves_lots} left: {reason_name(it.reason)}"
    )


def _triggered(it: reports.Triggered) -> str:
    cause = f"by a trade @ {it.last_price_ticks}" if it.last_price_ticks else "by the order before it"
    return f"triggered {it.client_order_id} #{it.order_id} {it.symbol} {cause}"


def _prevented(it: reports.Prevented) -> str:
    return (
        f"prevented {it.client_order_id} #{it.order_id} {it.symbol} {terms.SIDES[it.side]} {it.quantity_lots}"
        f" @ {it.price_ticks} as {terms.LIQUIDITIES[it.liquidity]}"
    )


def _duplicate(it: reports.Duplicate) -> str:
    result = reason_name(it.reason) if it.reason else "taken"
    order = (
        f"#{it.order_id} is {terms.ORDER_STATUSES[it.status]} {it.quantity_lots} @ {it.price_ticks},"
        f" {it.cumulative_lots} done"
    )
    if (it.order_id, it.status, it.quantity_lots, it.price_ticks, it.cumulative_lots) == (
        0,
        terms.REJECTED,
        0,
        0,
        0,
    ):
        order = "no order"
    return f"duplicate {_VERBS[it.command]} {it.request_id}, {result} at {it.first_sequence}; {order}"


def _kill_switch_set(it: reports.KillSwitchSet) -> str:
    cause = f" for {it.rejects} rejects" if it.rejects else ""
    name = it.account or f"of group {it.group}"
    return f"kill-switch {name} {'on' if it.on else 'off'}{cause}{f' why {it.why}' if it.why else ''}"


def _level(it: feed.Level) -> str:
    level = f"{terms.SIDES[it.side]} {it.price_ticks}:"
    if it.quantity_lots == it.orders == 0:
        return f"{level} gone"
    return f"{level} {it.quantity_lots} of {it.orders} order{'s' if it.orders != 1 else ''}"


def _defined(it: feed.InstrumentDefined) -> str:
    return (
        f"{it.symbol} defined {it.base}/{it.quote} tick {it.tick_mantissa}e-{it.tick_decimals}"
        f" lot {it.lot_mantissa}e-{it.lot_decimals} price {it.price_min_ticks}..{it.price_max_ticks}"
        f" quantity {it.quantity_min_lots}..{it.quantity_max_lots}{_matching(it)}"
    )


def _matching(it: feed.InstrumentDefined) -> str:
    if it.matching != terms.PRO_RATA:
        return ""
    minimum = f" from {it.pro_rata_minimum_lots}" if it.pro_rata_minimum_lots else ""
    return f" {terms.MATCHINGS[it.matching]}{minimum}"


def _id_text(text: str) -> str:
    return text if text.isprintable() and text.isascii() and " " not in text else json.dumps(text)


_PRINTERS: dict[type, Callable[[Any], str]] = {
    reports.Accepted: _accepted,
    reports.Rejected: _rejected,
    reports.Filled: _filled,
    reports.Cancelled: _cancelled,
    reports.Replaced: _replaced,
    reports.Duplicate: _duplicate,
    reports.TradeRevised: lambda it: (
        f"revised {it.client_order_id} #{it.order_id} {it.symbol} {terms.SIDES[it.side]} {it.quantity_lots}"
        f" in trade {it.trade_id} as {terms.LIQUIDITIES[it.liquidity]},"
        f" {f'@ {it.price_ticks}' if it.price_ticks else 'busted'}, was @ {it.previous_price_ticks}"
    ),
    reports.Triggered: _triggered,
    reports.Restated: _restated,
    reports.Prevented: _prevented,
    reports.Moved: lambda it: (
        f"moved {it.transfer_id} {it.amount} {it.asset} from {it.source} to {it.target}, {it.total} there"
    ),
    reports.Settled: lambda it: (
        f"settled {it.client_order_id} #{it.order_id} {it.symbol} in trade {it.trade_id}:"
        f" paid {it.paid} {it.paid_asset}, {it.paid_total} left;"
        f" received {it.received} {it.received_asset}, {it.received_total} there" + _fee(it)
    ),
    reports.KillSwitchSet: _kill_switch_set,
    reports.AccountClosed: lambda it: (
        f"{'close' if it.closed else 'reopen'} {it.account}{f' why {it.why}' if it.why else ''}"
    ),
    reports.Completed: lambda it: f"completed {_VERBS[it.command]}: {it.count}",
    feed.Trade: lambda it: (
        f"trade {it.trade_id}: {it.quantity_lots} @ {it.price_ticks}"
        + (f", {terms.SIDES[it.aggressor]} took" if it.aggressor else "")
    ),
    feed.TradeBusted: lambda it: f"trade {it.trade_id} busted: {it.quantity_lots} @ {it.price_ticks}",
    feed.TradeCorrected: lambda it: (
        f"trade {it.trade_id} corrected: {it.quantity_lots} @ {it.price_ticks}, was {it.previous_price_ticks}"
    ),
    feed.Level: _level,
    feed.OrderAdded: lambda it: (
        f"+{it.public_id} {terms.SIDES[it.side]} {it.quantity_lots} @ {it.price_ticks}"
    ),
    feed.OrderExecuted: lambda it: (
        f"x{it.public_id} {it.quantity_lots} in trade {it.trade_id}, {it.leaves_lots} left"
    ),
    feed.OrderDeleted: lambda it: f"-{it.public_id}",
    feed.OrderReduced: lambda it: f"~{it.public_id} {it.quantity_lots}",
    feed.InstrumentDefined: _defined,
    feed.PhaseChanged: _phase_changed,
    feed.ScheduleSet: _schedule_set,
    feed.Indicative: lambda it: f"indicative {it.quantity_lots} @ {it.price_ticks}, left {it.imbalance_lots}",
    feed.AuctionEnded: lambda it: (
        f"{terms.PHASES[it.phase]} ended {it.quantity_lots} @ {it.price_ticks}, left {it.imbalance_lots}"
    ),
    feed.BreakerTripped: lambda it: (
        f"breaker {it.level} tripped at -{it.decline_basis_points}bp"
        + (f", until {time_text(it.ends_ns)}" if it.ends_ns else "")
    ),
    feed.EmergencySet: lambda it: (
        f"emergency {terms.STOP_CAUSES[it.cause]}" if it.cause else "emergency is over"
    ),
    feed.ProtectionSet: _protection_set,
    feed.BookUnbalanced: lambda it: (
        f"unbalanced: {terms.UNBALANCES[it.kind]}" + (f" {terms.SIDES[it.side]}" if it.side else "")
    ),
    feed.Tick: lambda it: f"tick {time_text(it.time_ns)}",
}
