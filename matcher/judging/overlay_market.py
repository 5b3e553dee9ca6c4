"""The traces of judged commands in the market: instruments, their phases, groups, and accounts that are closed."""

from bus.protocol.commands import CloseAccount, DefineInstrument, SetEmergency, SetGroup, SetPhase
from bus.protocol.terms import CLOSED, CONTINUOUS, HALTED, STOP_BY_OPERATOR, VOLATILITY_AUCTION
from matcher.instruments import Instrument
from matcher.ledger.account import Account, AccountGroup
from matcher.ledger.limits import Limits
from matcher.safety.stopping import shut
from matcher.state import State


class MarketTraces:
    """What an operator's commands would do. O(instruments) to begin with in a stopped market."""

    __slots__ = ("_defined", "_goes_on", "_groups", "_phases", "_redefined", "_shut", "_state", "_stopped")

    def __init__(self, state: State) -> None:
        self._state = state
        self._phases: list[tuple[Instrument, int]] = []
        self._redefined: list[tuple[Instrument, DefineInstrument]] = []
        self._defined: list[str] = []
        #: groups before, once one is set
        self._groups: dict[str, AccountGroup] | None = None
        #: who was closed or opened, and how that was before
        self._shut: list[tuple[Account, Limits | None, bool]] = []
        self._stopped = state.stopped
        #: what instruments go on with when the whole market does
        self._goes_on: dict[str, int] = {}
        for instrument in state.instruments.values() if state.stopped else ():
            if instrument.pause is not None:
                self._goes_on[instrument.symbol] = instrument.pause.phase

    def set_phase(self, command: SetPhase) -> None:
        """An instrument would be in another phase."""
        state = self._state
        if state.stopped:
            self._goes_on.pop(command.symbol, None)
            if command.phase == HALTED:
                self._goes_on[command.symbol] = HALTED
        self._put(state.instruments[command.symbol], command.phase)

    def set_emergency(self, command: SetEmergency) -> None:
        """The market would stand still, or go on."""
        state = self._state
        if command.on:
            if not state.stopped:
                state.stopped = STOP_BY_OPERATOR
                for instrument in state.instruments.values():
                    if instrument.phase != CLOSED:
                        self._goes_on[instrument.symbol] = instrument.phase
                        self._put(instrument, HALTED)
            return
        state.stopped = 0
        for symbol, phase in self._goes_on.items():
            if phase == CONTINUOUS and command.auction_ms:
                phase = VOLATILITY_AUCTION
            self._put(state.instruments[symbol], phase)
        self._goes_on = {}

    def define(self, command: DefineInstrument) -> None:
        """An instrument would be there, or have other limits."""
        instruments = self._state.instruments
        instrument = instruments.get(command.symbol)
        if instrument is None:
            instruments[command.symbol] = Instrument(command, len(instruments))
            self._defined.append(command.symbol)
            if self._state.stopped:
                self._goes_on[command.symbol] = CONTINUOUS
                instruments[command.symbol].phase = HALTED
        else:
            self._redefined.append((instrument, instrument.definition))
            instrument.redefine(command)

    def set_group(self, command: SetGroup) -> None:
        """A group would be there."""
        if self._groups is None:
            self._groups = self._state.groups
            self._state.groups = self._groups.copy()
        self._state.groups[command.group] = AccountGroup(command.group, command.discount)

    def close_account(self, command: CloseAccount) -> None:
        """An account would be closed, or open again."""
        closing = self._state.accounts[command.account]
        limits = closing.limits
        self._shut.append((closing, limits, limits is not None and limits.shut))
        shut(closing, command.closed)

    def take_back(self) -> None:
        """The market is as it was."""
        state = self._state
        for closing, limits, was_shut in reversed(self._shut):
            closing.limits = limits
            if limits is not None:
                limits.shut = was_shut
        if self._groups is not None:
            state.groups = self._groups
        state.stopped = self._stopped
        for instrument, phase in reversed(self._phases):
            instrument.phase = phase
        for instrument, definition in reversed(self._redefined):
            instrument.redefine(definition)
        for symbol in reversed(self._defined):
            del state.instruments[symbol]

    def _put(self, instrument: Instrument, phase: int) -> None:
        self._phases.append((instrument, instrument.phase))
        instrument.phase = phase
