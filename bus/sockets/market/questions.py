"""What can be asked of a publisher, each with the kind of its answer: `client.ask(depth("BTC-USD", 10))`.

The words and units are those of `bus.protocol.market.requests`. Nothing is checked here: publishers refuse what they do
not offer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bus.protocol.market import requests
from bus.protocol.market.requests import MarketRequest
from bus.protocol.status import ProcessStatus, QueryStatus

A = TypeVar("A")


@dataclass(frozen=True)
class Question(Generic[A]):
    """A request, and the kind of answer that it has."""

    request: MarketRequest
    kind: type[A]


@dataclass(frozen=True)
class Answered(Generic[A]):
    """An answer, who gave it, and as of when: the last log sequence of the symbol that was asked for, and its time.

    `publisher`: its place in the list that was given.
    """

    answer: A
    publisher: int
    epoch: int
    log_sequence: int
    time_ns: int


def depth(symbol: str, levels: int = 0, step_ticks: int = 1) -> Question[requests.DepthAnswer]:
    """A symbol's book: the best `levels` of each side (0: all), put together into steps of so many ticks."""
    return Question(requests.DepthRequest(symbol, levels, step_ticks), requests.DepthAnswer)


def orders(symbol: str) -> Question[requests.OrdersAnswer]:
    """A symbol's displayed orders (L3)."""
    return Question(requests.OrdersRequest(symbol), requests.OrdersAnswer)


def trades(
    symbol: str,
    *,
    from_trade_id: int = 0,
    to_trade_id: int = 0,
    from_ns: int = 0,
    to_ns: int = 0,
    limit: int = 100,
) -> Question[requests.TradesAnswer]:
    """Trades from an id or a time on, up to one (exclusive), oldest first; without a lower bound the last ones."""
    request = requests.TradesRequest(symbol, from_trade_id, to_trade_id, from_ns, to_ns, limit)
    return Question(request, requests.TradesAnswer)


def candles(
    symbol: str, interval: str, *, from_ns: int = 0, to_ns: int = 0, limit: int = 500
) -> Question[requests.CandlesAnswer]:
    """Candles of an interval, oldest first; without a lower bound the last ones."""
    return Question(requests.CandlesRequest(symbol, interval, from_ns, to_ns, limit), requests.CandlesAnswer)


def statistics(symbol: str) -> Question[requests.StatisticsAnswer]:
    """A symbol's statistics of 24 hours."""
    return Question(requests.StatisticsRequest(symbol), requests.StatisticsAnswer)


def mini() -> Question[requests.MiniAnswer]:
    """The mini-statistics of all symbols."""
    return Question(requests.MiniRequest(), requests.MiniAnswer)


def indicator(
    symbol: str,
    interval: str,
    name: str,
    parameters: Iterable[int] = (),
    *,
    from_ns: int = 0,
    to_ns: int = 0,
    limit: int = 500,
) -> Question[requests.IndicatorAnswer]:
    """An indicator over the closed candles of an interval."""
    request = requests.IndicatorRequest(symbol, interval, name, list(parameters), from_ns, to_ns, limit)
    return Question(request, requests.IndicatorAnswer)


def symbols() -> Question[requests.SymbolsAnswer]:
    """All symbols of the publisher."""
    return Question(requests.SymbolsRequest(), requests.SymbolsAnswer)


def alerts(symbol: str = "") -> Question[requests.AlertsAnswer]:
    """The alerts of a symbol, or of all."""
    return Question(requests.AlertsRequest(symbol), requests.AlertsAnswer)


def arm_alert(
    alert_id: str,
    symbol: str,
    condition: str,
    parameters: Iterable[int],
    *,
    repeating: bool = False,
    hysteresis: int = 0,
) -> Question[requests.AlertsAnswer]:
    """Watch a symbol for a condition; the same id again replaces it. Each publisher watches for what it was asked."""
    request = requests.ArmAlert(alert_id, symbol, condition, list(parameters), repeating, hysteresis)
    return Question(request, requests.AlertsAnswer)


def disarm_alert(alert_id: str) -> Question[requests.AlertsAnswer]:
    """Watch no longer."""
    return Question(requests.DisarmAlert(alert_id), requests.AlertsAnswer)


def status() -> Question[ProcessStatus]:
    """How the publisher is."""
    return Question(QueryStatus(), ProcessStatus)
