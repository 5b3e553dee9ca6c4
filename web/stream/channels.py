"""What can be subscribed to, and the publishers' topics that it is made of."""

from typing import Final

from bus.protocol.market import streams

BOOK: Final = "book"
DEPTH20: Final = "depth20"
TRADES: Final = "trades"
STATISTICS: Final = "statistics"
TICKERS: Final = "tickers"
#: Of several topics, which are followed for all symbols.
STATUS: Final = "status"
#: The candles of an interval, `klines_1m` and so on.
KLINES: Final = {f"klines_{interval}": f"{streams.CANDLES}-{interval}" for interval in streams.INTERVALS}

#: The kind of the topic that a channel is made of.
KIND_OF: Final = {
    BOOK: streams.DEPTH,
    DEPTH20: streams.DEPTH,
    TRADES: streams.TRADES,
    **KLINES,
    STATISTICS: streams.STATISTICS_TOPIC,
    TICKERS: streams.MINI,
}
#: Of an account, and of symbols where that is said.
ALERTS: Final = "alerts"
ORDERS: Final = "orders"
EXECUTIONS: Final = "executions"
MOVEMENTS: Final = "movements"
BALANCES: Final = "balances"
#: Of money, where the venue clears.
OF_MONEY: Final = (MOVEMENTS, BALANCES)
#: Of an account, not of a symbol.
OF_ACCOUNT: Final = (ORDERS, EXECUTIONS, *OF_MONEY)
#: Only for who has logged in.
OWN: Final = (ALERTS, *OF_ACCOUNT)
#: Every channel that there is.
CHANNELS: Final = (*KIND_OF, STATUS, ALERTS, *OF_ACCOUNT)
