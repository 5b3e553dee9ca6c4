"""What an account has traded today: asked when a first limit of that is set, and by who checks the counts of limits."""

from matcher.book.trades import PLACES
from matcher.instruments import Instrument
from matcher.ledger.account import Account
from matcher.ledger.limits import Limit


def traded_today(account: Account, instruments: dict[str, Instrument], symbol: str) -> tuple[int, int]:
    """Lots and notional that an account has traded in the trading day, of one symbol or of all, as far as it is kept.

    O(trades that are kept).
    """
    counted = Limit(0, 0, 0)
    for instrument in instruments.values():
        if symbol and instrument.symbol != symbol:
            continue
        items = instrument.kept.items
        for at in range(0, len(items), PLACES):
            lots = abs(items[at + 3])
            for order in items[at : at + 2]:
                if order.account is account:
                    counted.traded(lots, lots * items[at + 2])
    return counted.day_lots, counted.day_notional
