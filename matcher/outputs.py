"""What the engine has to say: the events of one or several commands, by stream, each stream numbered densely.

A stream is an account's reports or a topic of the public feed. The numbers are state, a function of the log alone;
how many commands are taken together is not, and changes no number.
"""

from typing import Any

from bus.protocol.topics import CLOCK
from matcher.instruments import Instrument
from matcher.ledger.account import Account

#: One event in the shape of `bus.protocol.reports` or `bus.protocol.feed`.
Event = tuple[Any, ...]
#: (account or topic, number of the first event, events)
Stream = tuple[str, int, list[Event]]


class Outputs:
    """Who has events waiting. The events themselves wait at their account and instrument."""

    __slots__ = ("accounts", "instruments", "of_market")

    def __init__(self) -> None:
        self.accounts: list[Account] = []
        self.instruments: list[Instrument] = []
        #: ticks, and what is said of the whole market
        self.of_market: list[Event] = []

    def take_private(self) -> list[Stream]:
        """All waiting reports, and forget them; accounts stand in the order in which they were touched first."""
        private: list[Stream] = []
        for account in self.accounts:
            reports = account.reports
            private.append((account.name, account.next_report, reports))
            account.next_report += len(reports)
            account.reports = []
        self.accounts = []
        return private

    def take_public(self, next_number: int) -> list[Stream]:
        """All waiting public events, and forget them. `next_number`: of the first one of the clock's topic.

        That one, then instruments in the order in which they were touched first; for each its status, trades, levels
        and orders in this order.
        """
        public: list[Stream] = []
        if self.of_market:
            public.append((CLOCK, next_number, self.of_market))
            self.of_market = []
        for instrument in self.instruments:
            instrument.touched = False
            if instrument.statuses:
                public.append((instrument.status_topic, instrument.status_number + 1, instrument.statuses))
                instrument.status_number += len(instrument.statuses)
                instrument.statuses = []
            if instrument.trades:
                public.append((instrument.trade_topic, instrument.trade_number + 1, instrument.trades))
                instrument.trade_number += len(instrument.trades)
                instrument.trades = []
            if instrument.levels:
                public.append((instrument.level_topic, instrument.level_number + 1, instrument.levels))
                instrument.level_number += len(instrument.levels)
                instrument.levels = []
            if instrument.orders:
                public.append((instrument.order_topic, instrument.order_number + 1, instrument.orders))
                instrument.order_number += len(instrument.orders)
                instrument.orders = []
        self.instruments = []
        return public
