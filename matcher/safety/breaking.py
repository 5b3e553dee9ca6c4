"""Breaking: an operator sets the circuit breakers of the whole market, and a level of them trips.

trading ──▶ halted, for the time of the level ──▶ volatility auction ──▶ trading
"""

from bus.protocol.commands import SetBreakers
from bus.protocol.feed import BREAKER_TRIPPED
from bus.protocol.reasons import INVALID_BREAKERS, UNKNOWN_SYMBOL
from bus.protocol.terms import BY_BREAKER, CLOSED, CONTINUOUS, HALTED, PRE_OPEN, VOLATILITY_AUCTION
from matcher.day.phases import begin_phase
from matcher.following import Following
from matcher.gate.phases import DURATION_MS_MAX, RANDOM_MS_MAX
from matcher.safety.breakers import Breakers, is_valid


def set_breakers(market: Following, command: SetBreakers) -> int:
    """An operator's word: a reason, 0 when it was done. Without a level there are none any more. O(instruments)."""
    # gate
    state = market.state
    if command.symbol and command.symbol not in state.instruments:
        return UNKNOWN_SYMBOL
    levels = [
        (command.first_basis_points, command.first_halt_ms),
        (command.second_basis_points, command.second_halt_ms),
        (command.third_basis_points, command.third_halt_ms),
    ]
    while levels and levels[-1] == (0, 0):
        levels.pop()
    auction_ms, random_ms = command.auction_ms, command.random_ms
    shortest, longest = (1, DURATION_MS_MAX) if levels else (0, 0)
    if (
        not is_valid(levels, DURATION_MS_MAX)
        or not shortest <= auction_ms <= longest
        or not 0 <= random_ms <= (RANDOM_MS_MAX if levels else 0)
    ):
        return INVALID_BREAKERS
    if market.judging:
        return 0
    # ledger
    state.breakers = None
    if levels:
        state.breakers = breakers = Breakers(command.symbol, levels, auction_ms, random_ms)
        breakers.begin(state.instruments)
    return 0


def look_at_breakers(market: Following) -> None:
    """What was traded may have tripped a level: then the whole market halts. O(1), and O(instruments) when it does."""
    breakers = market.state.breakers
    if breakers is None or not breakers.moved:
        return
    breakers.moved = False
    number = breakers.reached()
    if number:
        _trip(market, breakers, number)


def _trip(market: Following, breakers: Breakers, number: int) -> None:
    """A level trips, and those below it with it. What is halted or closed stays as it is."""
    breakers.tripped = number
    halt_ms = breakers.levels[number - 1][1]
    ends_ns = market.ends_after(halt_ms)
    market.outputs.of_market.append(
        (BREAKER_TRIPPED, market.sequence, market.time_ns, number, breakers.decline_basis_points(), ends_ns)
    )
    for instrument in market.state.instruments.values():
        phase = instrument.phase
        if phase in (CLOSED, HALTED):
            continue
        if not ends_ns:
            begin_phase(market, instrument, HALTED, BY_BREAKER, 0, 0, 0)
            continue
        next_phase, auction_ms, random_ms = phase, breakers.auction_ms, breakers.random_ms
        if phase == CONTINUOUS:
            next_phase = VOLATILITY_AUCTION
        elif phase == PRE_OPEN:
            auction_ms = random_ms = 0
        begin_phase(
            market, instrument, HALTED, BY_BREAKER, ends_ns, 0, next_phase, auction_ms, random_ms, True
        )
