"""Whether a query can be answered at all. Values in, values out.

What is looked up in a database is of the form that such a thing has: a name of another form names nothing.
"""

from bus.protocol.exposure import RANKINGS, QueryExposures, QueryPositions
from bus.protocol.history import (
    ORDER_STATES,
    ROWS_PER_PAGE_MAX,
    AccountQuery,
    HistoryQuery,
    QueryExecutions,
    QueryMovements,
    QueryOrderLife,
    QueryPastOrders,
    QueryRejections,
)
from bus.protocol.reasons import INVALID_ACCOUNT, INVALID_REQUEST, REASONS
from bus.protocol.topics import ACCOUNT, ASSET, SYMBOL, VENUE_ACCOUNT
from bus.protocol.valuing import WHOLE_BASIS_POINTS

#: Symbols of one quote asset that one question takes together; a message has no room for more anyhow.
WEIGHED_SYMBOLS_MAX = 1_000
#: As in the commands: no id is longer.
ID_CHARACTERS_MAX = 36


def problem_of(query: HistoryQuery) -> tuple[int, str] | None:
    """`(reason, text)` for the first thing that makes a query unanswerable; None for a good one."""
    if isinstance(query, QueryExposures):
        text = _exposures_problem(query)
        return None if text is None else (INVALID_REQUEST, text)
    of_venue = isinstance(query, QueryMovements) and VENUE_ACCOUNT.fullmatch(query.account) is not None
    if not of_venue and ACCOUNT.fullmatch(query.account) is None:
        return INVALID_ACCOUNT, REASONS[INVALID_ACCOUNT][1]
    text = _shape(query)
    return None if text is None else (INVALID_REQUEST, text)


def _shape(query: AccountQuery) -> str | None:
    text = _limit_problem(query.limit)
    if text is not None:
        return text
    from_ns, to_ns = getattr(query, "from_ns", 0), getattr(query, "to_ns", 0)
    if to_ns and to_ns <= from_ns:
        return f"to_ns {to_ns} is not behind from_ns {from_ns}"
    symbol = getattr(query, "symbol", "")
    if symbol and SYMBOL.fullmatch(symbol) is None:
        return f"symbol {symbol[:50]!r}: symbols are 1 to 20 of A-Z 0-9 _ -"
    if isinstance(query, QueryPositions) and query.after and SYMBOL.fullmatch(query.after) is None:
        return f"after {query.after[:50]!r}: symbols are 1 to 20 of A-Z 0-9 _ -"
    if isinstance(query, QueryPastOrders):
        if query.state not in ORDER_STATES:
            return f"state {query.state}: there are {', '.join(map(str, ORDER_STATES))}"
        return _id_problem("client_order_id", query.client_order_id)
    if isinstance(query, QueryOrderLife):
        if (query.order_id == 0) == (query.client_order_id == ""):
            return "name the order by its order_id or its client_order_id, one of them"
        return _id_problem("client_order_id", query.client_order_id)
    if isinstance(query, QueryExecutions) and query.trade_id and not query.symbol:
        return "trade_id counts within a symbol: name the symbol, too"
    if isinstance(query, QueryMovements):
        if query.asset and ASSET.fullmatch(query.asset) is None:
            return f"asset {query.asset[:50]!r}: assets are 1 to 12 of A-Z 0-9"
        return _id_problem("transfer_id", query.transfer_id)
    if isinstance(query, QueryRejections):
        return _id_problem("request_id", query.request_id)
    return None


def _limit_problem(limit: int) -> str | None:
    if not 1 <= limit <= ROWS_PER_PAGE_MAX:
        return f"limit {limit}: a page has 1 to {ROWS_PER_PAGE_MAX} rows"
    return None


def _exposures_problem(query: QueryExposures) -> str | None:
    if query.by not in RANKINGS:
        return f"by {query.by}: there are {', '.join(map(str, RANKINGS))}"
    names = [weighed.symbol for weighed in query.symbols]
    if not 1 <= len(names) <= WEIGHED_SYMBOLS_MAX:
        return f"{len(names)} symbols: 1 to {WEIGHED_SYMBOLS_MAX} are taken together"
    if len(set(names)) < len(names):
        return "each symbol is weighed once"
    for weighed in query.symbols:
        if SYMBOL.fullmatch(weighed.symbol) is None:
            return f"symbol {weighed.symbol[:50]!r}: symbols are 1 to 20 of A-Z 0-9 _ -"
        if weighed.weight < 1:
            return f"{weighed.symbol}: a weight is at least 1"
        if min(weighed.first_basis_points, weighed.second_basis_points) < -WHOLE_BASIS_POINTS:
            return f"{weighed.symbol}: no price falls by more than {WHOLE_BASIS_POINTS} basis points"
    return _limit_problem(query.limit)


def _id_problem(name: str, text: str) -> str | None:
    if len(text) > ID_CHARACTERS_MAX:
        return f"{name}: ids are at most {ID_CHARACTERS_MAX} characters"
    if not text.isprintable():
        return f"{name} {text!r}: ids are printable"
    return None
