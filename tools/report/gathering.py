"""What was said in a period, added up by account, and kept as rows where each is wanted.

Fed with the outputs of an engine, batch after batch; of reports only those that tell of money and trades. The rule
guarded here: nothing is taken from the engine's state but definitions, so what comes of it can be held against the
balances of that state (`checking`).
"""

from array import array
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final, final

from bus.core import Stream
from bus.protocol.feed import TRADE, TRADE_BUSTED, TRADE_CORRECTED
from bus.protocol.reports import FILLED, MOVED, SETTLED, TRADE_REVISED
from bus.protocol.terms import BUY, EXTERNAL, LIQUIDITIES, SIDES, VENUE_FEES
from bus.protocol.topics import TRADE as TRADE_TOPIC
from matcher.engine import Engine
from tools.report.decimals import Texts, decimal_text
from tools.report.spool import Spool
from tools.report.tables import REVISIONS, TRADES, TRANSFERS

#: Rows of an account that a page shows of one table; with more nobody reads it, and the tables have them all.
PAGE_ROWS_MAX: Final = 500

#: Places of an account's flow of an asset. All but TRANSFERS_OUT, PAID and FEES come to it; those leave it.
DEPOSITS, WITHDRAWALS, TRANSFERS_IN, TRANSFERS_OUT, RECEIVED, PAID, FEES = range(7)
NO_FLOW: Final = (0,) * 7
#: Places of what an account traded of an instrument; values in ticks times lots.
BOUGHT, SOLD, BOUGHT_VALUE, SOLD_VALUE = range(4)
NOTHING_TRADED: Final = (0,) * 4

#: How rows of a table stand that are kept as they come: by sequence first.
_ORDERS: Final = {
    TRADES.name: itemgetter(*map(TRADES.place, ("sequence", "symbol", "trade_id", "order_id"))),
    TRANSFERS.name: itemgetter(*map(TRANSFERS.place, ("sequence", "account"))),
    REVISIONS.name: itemgetter(*map(REVISIONS.place, ("sequence", "order_id"))),
}
_ACCOUNT_AT: Final = {table.name: table.place("account") for table in (TRADES, TRANSFERS, REVISIONS)}
_TRADES: Final = f"{TRADE_TOPIC}."
#: Where the fields of Settled end that a venue without fees tells.
_FEE_AT: Final = 15


@final
class Tape:
    """The trades of an instrument, as they count by now: a busted one has 0 lots, a corrected one its new price."""

    __slots__ = ("busts", "corrections", "first", "lots", "prices")

    def __init__(self, first: int) -> None:
        self.first = first
        self.prices = array("q")
        self.lots = array("q")
        self.busts = 0
        self.corrections = 0

    def revise(self, trade_id: int, price_ticks: int) -> None:
        """A trade has another price, or with 0 never counted. Only trades of the same day can be revised."""
        at = trade_id - self.first
        if price_ticks:
            self.prices[at] = price_ticks
            self.corrections += 1
        else:
            self.lots[at] = 0
            self.busts += 1


@final
class Shown:
    """Places in the spools of the rows of an account that a page shows, and how many there are of them."""

    __slots__ = ("counts", "places")

    def __init__(self) -> None:
        #: Both by the name of the table.
        self.counts = dict.fromkeys(_ORDERS, 0)
        self.places = {name: array("q") for name in _ORDERS}


@final
class Gathered:
    """Everything that is known of a period but its beginning and its end. `close` it.

    `flows`: by account and asset, in units. `traded`: by account and symbol.
    """

    def __init__(self) -> None:
        self.flows: dict[tuple[str, str], list[int]] = {}
        self.traded: dict[tuple[str, str], list[int]] = {}
        self.tapes: dict[str, Tape] = {}
        self.shown: dict[str, Shown] = {}
        #: by the name of the table
        self.spools = {name: Spool() for name in _ORDERS}
        #: Rows of one batch, which are put in the order of the log before they are kept.
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _ORDERS}
        self._texts: dict[str, Texts] = {}

    def close(self) -> None:
        """The rows are gone."""
        for spool in self.spools.values():
            spool.close()

    def texts(self, core: Engine, symbol: str) -> Texts:
        """How to write prices and quantities of an instrument that there is."""
        found = self._texts.get(symbol)
        if found is None:
            found = self._texts[symbol] = Texts(core.state.instruments[symbol].definition)
        return found

    def take(self, core: Engine, private: Sequence[Stream], public: Sequence[Stream], after: int = 0) -> None:
        """What an engine has said, as it was taken from it; only what commands behind sequence `after` caused."""
        for topic, _, events in public:
            if topic.startswith(_TRADES):
                self._take_trades(topic[len(_TRADES) : -1], events, after)
        for account, _, reports in private:
            #: Fills that wait for what they moved, which is told behind them; nothing, where the venue does not clear.
            filled: dict[tuple[int, int], tuple[Any, ...]] = {}
            for report in reports:
                if report[1] <= after:
                    continue
                kind = report[0]
                if kind == FILLED:
                    filled[report[5], report[9]] = report
                elif kind == SETTLED:
                    self._fill(core, account, filled.pop((report[5], report[8])), report)
                elif kind == MOVED:
                    self._moved(core, account, report)
                elif kind == TRADE_REVISED:
                    self._revised(core, account, report)
            for report in filled.values():
                self._fill(core, account, report)
        for name, rows in self._rows.items():
            if rows:
                rows.sort(key=_ORDERS[name])
                self._keep(name, rows)
                rows.clear()

    def _keep(self, name: str, rows: list[tuple[Any, ...]]) -> None:
        spool = self.spools[name]
        account_at = _ACCOUNT_AT[name]
        for row in rows:
            place = spool.add(row)
            shown = self.shown.get(row[account_at])
            if shown is None:
                shown = self.shown[row[account_at]] = Shown()
            shown.counts[name] += 1
            places = shown.places[name]
            if len(places) < PAGE_ROWS_MAX:
                places.append(place)

    def _take_trades(self, symbol: str, events: Sequence[tuple[Any, ...]], after: int) -> None:
        tape = self.tapes.get(symbol)
        for event in events:
            if event[1] <= after:
                continue
            if event[0] == TRADE:
                if tape is None:
                    tape = self.tapes[symbol] = Tape(event[3])
                tape.prices.append(event[4])
                tape.lots.append(event[5])
            elif event[0] == TRADE_BUSTED:
                assert tape is not None, "a trade that is revised is of this day"
                tape.revise(event[3], 0)
            elif event[0] == TRADE_CORRECTED:
                assert tape is not None, "a trade that is revised is of this day"
                tape.revise(event[3], event[4])

    def _fill(
        self, core: Engine, account: str, filled: tuple[Any, ...], settled: tuple[Any, ...] | None = None
    ) -> None:
        """A fill, and what it moved."""
        (_, sequence, time_ns, _, _, order_id, client_order_id, symbol, side, trade_id, price, lots, *_) = (
            filled
        )
        texts = self.texts(core, symbol)
        self._trade(account, symbol, side, lots, price * lots)
        row = (
            sequence,
            time_ns,
            symbol,
            trade_id,
            account,
            order_id,
            client_order_id,
            SIDES[side],
            LIQUIDITIES[filled[14]],
            texts.price(price),
            texts.quantity(lots),
            texts.value(price * lots),
            *(_NOT_SETTLED if settled is None else self._money(core, account, settled)),
        )
        self._rows[TRADES.name].append(row)

    def _money(self, core: Engine, account: str, settled: tuple[Any, ...]) -> tuple[str | None, ...]:
        """The fields of a trade's row from `paid_asset` on."""
        paid_asset, paid, paid_total, received_asset, received, received_total = settled[9:15]
        self._flow(account, paid_asset)[PAID] += paid
        self._flow(account, received_asset)[RECEIVED] += received
        fee_asset, fee, fee_total = settled[_FEE_AT : _FEE_AT + 3] or ("", 0, 0)
        if fee_asset:
            self._flow(account, fee_asset)[FEES] += fee
            self._flow(VENUE_FEES, fee_asset)[FEES] -= fee
        return (
            paid_asset,
            *_texts_of(core, paid_asset, paid, paid_total),
            received_asset,
            *_texts_of(core, received_asset, received, received_total),
            *((fee_asset, *_texts_of(core, fee_asset, fee, fee_total)) if fee_asset else (None, "0", None)),
        )

    def _moved(self, core: Engine, account: str, report: tuple[Any, ...]) -> None:
        _, sequence, time_ns, _, _, transfer_id, source, target, asset, amount, total = report[:11]
        flow = self._flow(account, asset)
        if source == EXTERNAL:
            kind = "deposit"
            flow[DEPOSITS] += amount if account == target else -amount
        elif target == EXTERNAL:
            kind = "withdrawal"
            flow[WITHDRAWALS] += amount if account == source else -amount
        else:
            kind = "transfer"
            flow[TRANSFERS_IN if account == target else TRANSFERS_OUT] += amount
        other, signed = (source, amount) if account == target else (target, -amount)
        texts = _texts_of(core, asset, signed, total)
        self._rows[TRANSFERS.name].append(
            (sequence, time_ns, transfer_id, account, kind, other, asset, *texts)
        )

    def _revised(self, core: Engine, account: str, report: tuple[Any, ...]) -> None:
        (_, sequence, time_ns, _, _, order_id, client_order_id, symbol, side) = report[:9]
        trade_id, price, lots, _, previous = report[9:14]
        texts = self.texts(core, symbol)
        if price:
            self._trade(account, symbol, side, 0, (price - previous) * lots)
        else:
            self._trade(account, symbol, side, -lots, -previous * lots)
        row = (
            sequence,
            time_ns,
            symbol,
            trade_id,
            account,
            order_id,
            client_order_id,
            SIDES[side],
            "correction" if price else "bust",
            texts.quantity(lots),
            texts.price(previous),
            texts.price(price) if price else None,
        )
        self._rows[REVISIONS.name].append(row)

    def _trade(self, account: str, symbol: str, side: int, lots: int, value: int) -> None:
        traded = self.traded.get((account, symbol))
        if traded is None:
            traded = self.traded[account, symbol] = [*NOTHING_TRADED]
        if side == BUY:
            traded[BOUGHT] += lots
            traded[BOUGHT_VALUE] += value
        else:
            traded[SOLD] += lots
            traded[SOLD_VALUE] += value

    def _flow(self, account: str, asset: str) -> list[int]:
        flow = self.flows.get((account, asset))
        if flow is None:
            flow = self.flows[account, asset] = [*NO_FLOW]
        return flow


_NOT_SETTLED: Final = (None,) * 9


def _texts_of(core: Engine, asset: str, *units: int) -> tuple[str, ...]:
    ledger = core.state.ledger
    assert ledger is not None, "money moves where there is a ledger"
    decimals = ledger.assets[asset]
    return tuple(decimal_text(one, decimals) for one in units)
