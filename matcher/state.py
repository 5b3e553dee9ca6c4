"""The state of the engine: everything that the log has made, and nothing else."""

from bus.protocol.records import Rules
from bus.protocol.terms import CLEARING_NONE, CLOCK_SYSTEM, CONTINUOUS
from matcher.book.level import Order
from matcher.counting import check_risk
from matcher.instruments import Instrument
from matcher.ledger.account import Account, AccountGroup
from matcher.ledger.money.checking import check_fees, check_money
from matcher.ledger.money.ledger import Ledger
from matcher.relinking import check_links
from matcher.safety.breakers import Breakers
from matcher.safety.traded import traded_today
from matcher.timers import NEVER_NS, Timers, day_end_ns, set_instrument_timers, set_timers
from matcher.views import open_symbols


class Session:
    """An open session. What it may do and whose orders it enters; leases run elsewhere, on another clock."""

    __slots__ = ("account", "cancel_on_disconnect", "lease_ms", "role", "session")

    def __init__(
        self, session: int, account: Account, role: int, lease_ms: int, cancel_on_disconnect: bool
    ) -> None:
        self.session = session
        self.account = account
        self.role = role
        self.lease_ms = lease_ms
        self.cancel_on_disconnect = cancel_on_disconnect


class State:
    """What a checkpoint holds. `sequence` and `time_ns` are those of the last command that was applied.

    `timers` follow from the orders and accounts, and are no part of it.
    """

    __slots__ = (
        "accounts",
        "breakers",
        "clock",
        "clock_number",
        "epoch",
        "groups",
        "instruments",
        "ledger",
        "next_session",
        "rules",
        "sequence",
        "sessions",
        "stopped",
        "time_ns",
        "timers",
    )

    def __init__(self) -> None:
        self.sequence = 0
        self.time_ns = 0
        self.epoch = 0
        self.clock = CLOCK_SYSTEM
        self.rules = Rules(0, 0, 0)
        self.clock_number = 0
        self.next_session = 1
        #: why the whole market stands still, one of STOP_CAUSES; 0 when it does not
        self.stopped = 0
        self.instruments: dict[str, Instrument] = {}
        self.accounts: dict[str, Account] = {}
        #: group -> its accounts, in the order in which they came
        self.groups: dict[str, AccountGroup] = {}
        self.sessions: dict[int, Session] = {}
        self.timers = Timers()
        self.breakers: Breakers | None = None
        #: None where the venue does not clear
        self.ledger: Ledger | None = None

    def check(self) -> None:
        """Walk all invariants; AssertionError for the first that does not hold. O(everything)."""
        resting = 0
        timers = Timers()
        for symbol, instrument in self.instruments.items():
            assert symbol == instrument.symbol, "an instrument is found by its symbol"
            collecting = instrument.phase != CONTINUOUS
            assert collecting == (instrument.stage is not None), "only continuous trading has no stage"
            instrument.book.check(collecting=collecting)
            instrument.check_stop(self.stopped != 0)
            if instrument.schedule is not None:
                instrument.schedule.check(instrument.stage)
            set_instrument_timers(timers, instrument)
            protection = instrument.protection
            if protection is not None:
                protection.check(instrument.reference_ticks)
            watch = instrument.watch
            guarded = protection is not None and protection.rebalances
            assert guarded == (watch is not None and watch.guarded), (
                "a book that must not stay unbalanced is watched"
            )
            instrument.kept.check(instrument.next_trade_id, symbol)
            resting += instrument.book.order_count()
            if instrument.watch is not None:
                instrument.watch.check(instrument.next_trade_id)
                resting += len(instrument.watch.out_of_book())
        assert resting == sum(len(account.open) for account in self.accounts.values()), (
            "open orders rest or wait, and only they"
        )
        for name, account in self.accounts.items():
            assert name == account.name, "an account is found by its name"
            for (symbol, side), order_id in (account.quotes or {}).items():
                order = account.open.get(order_id)
                if isinstance(order, Order):
                    assert (order.symbol, order.side) == (symbol, side), "a quote stands at its place"
            if account.limits is not None:
                account.limits.check(open_symbols(account))
                if account.limits.risk is not None:
                    check_risk(account, account.limits.risk, self.instruments)
                _check_day(account, self.instruments)
            account.check()
            set_timers(timers, account)
        for name, group in self.groups.items():
            assert name == group.name, "a group is found by its name"
            group.check()
        grouped = sum(1 for account in self.accounts.values() if account.group is not None)
        assert grouped == sum(len(group.members) for group in self.groups.values()), (
            "who is in a group is a member of it"
        )
        if self.breakers is not None:
            self.breakers.check(self.instruments)
        assert (self.ledger is not None) == (self.rules.clearing != CLEARING_NONE), "who clears has a ledger"
        if self.ledger is not None:
            check_money(self.ledger, self.accounts)
            check_fees(self.ledger, self.accounts)
        check_links(self.accounts, self.instruments)
        assert self.timers.counted() == timers.counted(), (
            "what ends by the clock has its timer, and nothing else"
        )
        assert min(self.timers.first_ns() or NEVER_NS, self.timers.day_end_ns) == self.timers.next_due_ns, (
            "the first timer is the next one"
        )
        assert self.timers.day_end_ns == day_end_ns(self.time_ns), "the trading day is today"
        for number, session in self.sessions.items():
            assert number == session.session < self.next_session, "sessions are numbered densely"


def _check_day(account: Account, instruments: dict[str, Instrument]) -> None:
    """AssertionError when an account has traded something else today than its limits have counted."""
    assert account.limits is not None
    if any(one.kept.first != one.kept.day_first for one in instruments.values()):
        return  # the first trades of the day are kept no longer
    for symbol, limit in account.limits.by_symbol.items():
        if limit.is_of_day:
            counted = (limit.day_lots, limit.day_notional)
            assert counted == traded_today(account, instruments, symbol), "all that is traded is counted"
