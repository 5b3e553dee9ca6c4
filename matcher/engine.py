"""The engine: what the log says is done here, in its order, and nowhere else.

It is a function of its log (I1, I2): the same commands and records with the same sequences and times give the same
events, numbers and digests. Callers give each command the next sequence and a time; whatever they do not give (ids of
trades, numbers of events) is counted here. Nothing is read from a clock, a file, a socket or a source of chance.

`apply_message` and `apply_record` are what the node and a replay of the journal call; `apply` is one command at a time,
for whoever wants to see its events.
"""

from collections.abc import Sequence

from bus.protocol import reasons
from bus.protocol.commands import (
    AdvanceClock,
    BustTrade,
    CancelAllAfter,
    CancelOrder,
    CloseAccount,
    Command,
    CorrectTrade,
    DefineAsset,
    DefineInstrument,
    EnterOrder,
    JoinGroup,
    MassCancel,
    Quote,
    ReplaceOrder,
    SetBreakers,
    SetEmergency,
    SetFees,
    SetFeeTiers,
    SetGroup,
    SetGroupKillSwitch,
    SetGroupRisk,
    SetKillSwitch,
    SetLimits,
    SetPhase,
    SetProtection,
    SetRisk,
    SetSchedule,
    Transfer,
)
from bus.protocol.feed import TICK
from bus.protocol.records import (
    EmergencyRaised,
    EndDrawn,
    EngineStarted,
    PhasesPlanned,
    Record,
    SessionEnded,
    SessionOpened,
    Skipped,
)
from bus.protocol.terms import BUY, EXTERNAL, L3, SELL
from matcher import views
from matcher.codec.state_codec import encode_state
from matcher.day.phases import draws_wanted, take_draw
from matcher.day.scheduling import plans_wanted, take_plan
from matcher.expiry import end_due
from matcher.judging.options import apply_with_options
from matcher.ledger.account import AHEAD_NS, STALE_NS, Account
from matcher.operating import operate
from matcher.outputs import Event, Outputs, Stream
from matcher.quoting import quote
from matcher.safety.breaking import look_at_breakers
from matcher.safety.emergency import stop_market
from matcher.safety.risking import look_at_risk
from matcher.state import Session, State
from matcher.trading import Trading
from matcher.transferring import transfer

#: Before these what is due ends. A malformed item is no part of the log, and an AdvanceClock says itself what is due.
_BEHIND_WHAT_IS_DUE = (
    CancelAllAfter,
    EnterOrder,
    CancelOrder,
    ReplaceOrder,
    MassCancel,
    Quote,
    Transfer,
    DefineAsset,
    DefineInstrument,
    SetPhase,
    SetSchedule,
    SetLimits,
    SetProtection,
    SetBreakers,
    SetEmergency,
    SetKillSwitch,
    SetFees,
    SetFeeTiers,
    SetGroup,
    JoinGroup,
    SetRisk,
    SetGroupRisk,
    SetGroupKillSwitch,
    BustTrade,
    CorrectTrade,
    Skipped,
)


class Engine:
    """State, and the events that have not been taken yet."""

    __slots__ = ("outputs", "state", "trading")

    def __init__(self, state: State | None = None) -> None:
        self.state = state if state is not None else State()
        self.outputs = Outputs()
        self.trading = Trading(self.state, self.outputs)

    def apply(
        self,
        command: Command | Record,
        sequence: int,
        time_ns: int,
        session: int = 0,
        correlation_id: int = 0,
    ) -> list[tuple[str, Event]]:
        """One command (of an open session) or record; what it caused, as `(account or topic, event)`.

        Private events first, then public ones, as they leave. A command is taken as made at `time_ns`.
        """
        assert sequence == self.state.sequence + 1, "the log has no gap"
        if session:
            self.apply_message(session, correlation_id, time_ns, [command], time_ns)
        else:
            self.apply_record(command, time_ns)
        private, public = self.take_outputs()
        return [(stream, event) for stream, _, events in private + public for event in events]

    def apply_message(
        self,
        session: int,
        correlation_id: int,
        created_ns: int,
        items: Sequence[object],
        time_ns: int,
        deadline_ns: int = 0,
        options: int = 0,
    ) -> int:
        """The commands of one message of an open session; returns how many sequences they took.

        Item i answers to `correlation_id + i`. What is no command (a malformed item) takes no sequence. The first
        command happens at `time_ns`, or right after the last one when that is later; each further one 1 ns later.
        `deadline_ns` and `options`: see `matcher.judging.options`.
        """
        if deadline_ns or options:
            return apply_with_options(
                self, session, correlation_id, created_ns, items, time_ns, deadline_ns, options
            )
        state = self.state
        trading = self.trading
        opened = state.sessions[session]
        account = opened.account
        first: int = trading.sequence
        sequence = first
        time_ns = max(time_ns, trading.time_ns + 1)
        trading.session = session
        trading.created_ns = created_ns
        # Each command is judged by its own time, which an AdvanceClock before it may have moved by a day.
        early_ns = created_ns - AHEAD_NS
        late_ns = created_ns + STALE_NS
        fresh = early_ns <= time_ns <= late_ns - len(items)
        trading.late = 0
        timers = state.timers
        for command in items:
            kind = type(command)
            sequence += 1
            trading.sequence = sequence
            trading.time_ns = time_ns
            trading.correlation_id = correlation_id
            if not fresh:
                trading.late = _late(time_ns, early_ns, late_ns)
            if time_ns >= timers.next_due_ns and isinstance(command, _BEHIND_WHAT_IS_DUE):
                end_due(trading)
            if kind is EnterOrder:
                trading.enter(account, command)  # type: ignore[arg-type]
            elif kind is CancelOrder:
                trading.cancel(account, command)  # type: ignore[arg-type]
            elif kind is ReplaceOrder:
                trading.replace(account, command)  # type: ignore[arg-type]
            elif kind is MassCancel:
                trading.mass_cancel(account, command)  # type: ignore[arg-type]
            elif isinstance(command, Quote):
                quote(trading, account, command)
            elif isinstance(command, Transfer):
                transfer(trading, opened, command)
            elif kind is CancelAllAfter:
                trading.cancel_all_after(account, command)  # type: ignore[arg-type]
            elif isinstance(
                command,
                (
                    DefineAsset,
                    DefineInstrument,
                    SetPhase,
                    SetSchedule,
                    AdvanceClock,
                    SetLimits,
                    SetProtection,
                    SetBreakers,
                    SetEmergency,
                    SetKillSwitch,
                    CloseAccount,
                    SetFees,
                    SetFeeTiers,
                    SetGroup,
                    JoinGroup,
                    SetRisk,
                    SetGroupRisk,
                    SetGroupKillSwitch,
                    BustTrade,
                    CorrectTrade,
                ),
            ):
                operate(trading, opened, command)
                time_ns = trading.time_ns
                fresh = False
            elif isinstance(command, Skipped):
                trading.reject(account, command.command, command.request_id, reasons.SKIPPED)
            else:
                sequence -= 1
                time_ns -= 1
                trading.sequence = sequence
                trading.time_ns = time_ns
            if state.breakers is not None:
                look_at_breakers(trading)
            if trading.at_risk:
                look_at_risk(trading)
            correlation_id += 1
            time_ns += 1
        if sequence == first:  # nothing happened, so time stands where it stood
            trading.time_ns = state.time_ns
        state.sequence = sequence
        state.time_ns = trading.time_ns
        return sequence - first

    def apply_record(self, record: object, time_ns: int) -> None:
        """A record of the log; it takes one sequence."""
        state = self.state
        state.sequence += 1
        state.time_ns = max(time_ns, state.time_ns + 1)
        self.trading.sequence = state.sequence
        self.trading.time_ns = state.time_ns
        end_due(self.trading)
        if isinstance(record, EngineStarted):
            state.epoch = record.epoch
            state.clock = record.clock
            self.trading.take_rules(record.rules)
        elif isinstance(record, SessionOpened):
            self._open_session(record)
        elif isinstance(record, SessionEnded):
            ended = state.sessions.pop(record.session)
            if ended.cancel_on_disconnect:
                self.trading.end_session(ended.account, record.session)
        elif isinstance(record, EndDrawn):
            take_draw(self.trading, record.symbol, record.number, record.delay_ns)
        elif isinstance(record, EmergencyRaised):
            if not self.state.stopped:
                stop_market(self.trading, record.cause)
        elif isinstance(record, PhasesPlanned):
            take_plan(self.trading, record)
            end_due(self.trading)  # rows that are planned too late happen at once
        elif not isinstance(record, Skipped):
            self.outputs.of_market.append((TICK, state.sequence, state.time_ns))
        look_at_breakers(self.trading)
        look_at_risk(self.trading)

    def take_private(self) -> list[Stream]:
        """The reports since the last take, by account. Numbers continue from take to take."""
        return self.outputs.take_private()

    def take_public(self) -> list[Stream]:
        """The public events since the last take, by topic. Numbers continue from take to take."""
        next_number = self.state.clock_number + 1
        self.state.clock_number += len(self.outputs.of_market)
        return self.outputs.take_public(next_number)

    def take_outputs(self) -> tuple[list[Stream], list[Stream]]:
        """Both: private streams, then public ones."""
        return self.take_private(), self.take_public()

    # What the node asks. Everything below is read only.

    @property
    def sequence(self) -> int:
        """The last log sequence that was applied; in the midst of a message, the command that is under way."""
        sequence: int = self.trading.sequence
        return sequence

    @property
    def time_ns(self) -> int:
        """Engine time of that sequence."""
        time_ns: int = self.trading.time_ns
        return time_ns

    @property
    def epoch(self) -> int:
        """How often the engine was started on this log."""
        return self.state.epoch

    @property
    def clock(self) -> int:
        """CLOCK_SYSTEM or CLOCK_COMMANDS."""
        return self.state.clock

    @property
    def next_session(self) -> int:
        """The number that the next SessionOpened must have."""
        return self.state.next_session

    @property
    def next_timer_ns(self) -> int:
        """When the first timer is due, 0 when none is set: something happens then even if no command comes."""
        first_ns: int = self.state.timers.first_ns()
        return first_ns

    def draws_wanted(self) -> list[tuple[str, int, int]]:
        """`(symbol, number, random_ms)` of each auction whose end is to be drawn, for a record EndDrawn.

        Each is told once; to another engine of this state again.
        """
        trading = self.trading
        if not trading.undrawn:
            return []
        trading.undrawn = False
        return draws_wanted(self.state.instruments)

    def plans_wanted(self) -> list[tuple[SetSchedule, int, int]]:
        """`(schedule, its number, from when)` of each instrument whose plan is to be made longer, for PhasesPlanned.

        Each is told once, and again when another one was made or it was planned; to another engine of this state again.
        """
        trading = self.trading
        if trading.time_ns < trading.plans_due_ns:
            return []
        return plans_wanted(trading)

    def open_sessions(self) -> list[tuple[int, str, int, int]]:
        """`(session, account, role, lease_ms)` of each open session."""
        return [(s.session, s.account.name, s.role, s.lease_ms) for s in self.state.sessions.values()]

    def account_count(self) -> int:
        """How many accounts there are."""
        return len(self.state.accounts)

    def has_account(self, account: str) -> bool:
        """Whether there is an account of this name."""
        return account in self.state.accounts

    def next_report(self, account: str) -> int:
        """The number that the account's next report will have; 1 for one that does not exist."""
        known = self.state.accounts.get(account)
        return known.next_report if known is not None else 1

    def report_count(self) -> int:
        """How many reports all accounts have got. O(accounts)."""
        return sum(account.next_report - 1 for account in self.state.accounts.values())

    def rejected_count(self) -> int:
        """How many commands this engine has answered with Rejected; no part of the state."""
        return self.trading.rejected

    def open_orders(self, account: str) -> list[Event]:
        """Rows in the shape of `bus.protocol.control.OpenOrder`, oldest first. O(open orders)."""
        known = self.state.accounts.get(account)
        return views.open_orders(known, self.state.instruments) if known is not None else []

    def safeguards(self) -> Event:
        """A row in the shape of `bus.protocol.control.Safeguards`, from its breakers on. O(accounts)."""
        return views.safeguards(
            self.state.breakers, self.state.accounts, self.state.groups, self.state.instruments
        )

    def balances(self, account: str) -> list[Event]:
        """Rows in the shape of `bus.protocol.control.BalanceState`, in order of the first movement of each asset."""
        known = self.state.accounts.get(account)
        ledger = self.state.ledger
        if ledger is not None and account == EXTERNAL:
            return views.assets(known, ledger)
        return [] if known is None or ledger is None else views.balances(known, ledger)

    def assets(self) -> list[tuple[str, int]]:
        """`(asset, decimals)` of all that are defined, in order of their definition."""
        ledger = self.state.ledger
        return [] if ledger is None else list(ledger.assets.items())

    def fees(self, account: str, with_groups: bool) -> Event:
        """A row in the shape of `bus.protocol.control.Fees`, from its tier on. O(instruments, groups)."""
        state = self.state
        groups = state.groups if with_groups else {}
        known = state.accounts.get(account)
        return views.fees(known, state.ledger, state.instruments, groups, state.time_ns)

    def clearing(self) -> int:
        """One of CLEARINGS."""
        return self.state.rules.clearing

    def open_order_count(self) -> int:
        """How many orders are open. O(accounts)."""
        return sum(len(account.open) for account in self.state.accounts.values())

    def instruments(self) -> list[Event]:
        """Rows in the shape of `bus.protocol.control.InstrumentState`, in order of definition."""
        return [views.instrument_state(instrument) for instrument in self.state.instruments.values()]

    def schedule(self, symbol: str) -> Event:
        """A row in the shape of `bus.protocol.control.TradingSchedule`, from its symbol on. O(its rows)."""
        return views.trading_schedule(self.state.instruments[symbol])

    def symbols(self) -> list[str]:
        """The symbols of all instruments, in order of definition."""
        return list(self.state.instruments)

    def phases(self) -> list[tuple[str, int]]:
        """Symbol and phase of all instruments, in order of definition. May be called in another thread."""
        return [(instrument.symbol, instrument.phase) for instrument in list(self.state.instruments.values())]

    def numbers(self, symbol: str) -> tuple[int, int, int, int]:
        """Last numbers of a symbol's trade, level, order and status topics."""
        i = self.state.instruments[symbol]
        return (i.trade_number, i.level_number, i.order_number, i.status_number)

    def stopped(self) -> int:
        """Why the whole market stands still, one of STOP_CAUSES; 0 when it does not."""
        return self.state.stopped

    def clock_number(self) -> int:
        """Last number of the clock topic."""
        return self.state.clock_number

    def book(self, symbol: str, kind: int) -> tuple[int, int, list[views.Row], list[views.Row]]:
        """`(phase, last price in ticks or 0, bids, asks)`, rows as in BookSnapshot. O(levels or orders)."""
        instrument = self.state.instruments[symbol]
        rows = instrument.book.orders if kind == L3 else instrument.book.levels
        return (instrument.phase, instrument.last_price_ticks, rows(BUY), rows(SELL))

    def phase_state(self, symbol: str) -> tuple[int, ...]:
        """A row in the shape of `bus.protocol.control.PhaseState`."""
        return views.phase_state(self.state.instruments[symbol])

    def checksum(self, symbol: str) -> int:
        """The checksum of a symbol's book. O(best levels)."""
        return self.state.instruments[symbol].book.checksum()

    def encode_state(self) -> bytes:
        """All of the state, for a checkpoint."""
        return encode_state(self.state)

    # How records and operators' commands are carried out.

    def _open_session(self, record: SessionOpened) -> None:
        state = self.state
        assert record.session == state.next_session, "sessions are numbered densely"
        state.next_session += 1
        account = state.accounts.get(record.account)
        if account is None:
            account = Account(record.account)
            state.accounts[record.account] = account
        state.sessions[record.session] = Session(
            record.session, account, record.role, record.lease_ms, record.cancel_on_disconnect
        )


def _late(time_ns: int, early_ns: int, late_ns: int) -> int:
    """Why a request is refused for its age at this time; 0 when it is not."""
    if time_ns > late_ns:
        return reasons.STALE
    return reasons.FROM_THE_FUTURE if time_ns < early_ns else 0
