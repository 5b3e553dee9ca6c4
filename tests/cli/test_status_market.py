"""What `matchbus status` says of the instruments: whatever there are, it stays readable."""

from bus.protocol.commands import DefineInstrument
from bus.protocol.control import InstrumentState, PhaseState, Protection
from bus.protocol.status import OK
from bus.protocol.terms import CLOSED, CONTINUOUS, HALTED, OPENING_AUCTION, PRE_OPEN, VOLATILITY_AUCTION
from tools.status.market import SHOWN_MAX, picture_of
from tools.status.rows import ENGINE, SHADOW, Row
from tools.status.table import picture, values

TEN_NS = 10 * 3600 * 1_000_000_000
BANDS = Protection(300_000, 500, 285_000, 315_000, 200, 120_000, 0, 0)


def instrument(
    symbol: str, phase: int, known: PhaseState | None = None, protection: Protection | None = None
) -> InstrumentState:
    """Ticks of 0.1, lots of 0.0001."""
    definition = DefineInstrument(symbol, "BTC", "USD", 1, 1, 1, 4, 1, 10**7, 1, 10**7)
    return InstrumentState(definition, phase, known or PhaseState(), protection)


AUCTION = instrument("BTC-USD", VOLATILITY_AUCTION, PhaseState(TEN_NS, 0, 0, 300_000, 15_000, -2_500), BANDS)


def lines(found: list[InstrumentState], width: int | None = 80) -> list[str]:
    return [line.plain for line in picture_of(found, width)]


def test_each_is_told_with_its_phase_and_what_is_known_of_it() -> None:
    found = [
        instrument("SOL-USD", CONTINUOUS),
        instrument("ETH-USD", CONTINUOUS, None, Protection(0, 500, 0, 0, 0, 120_000, 0, 1)),
        instrument("XRP-USD", HALTED, PhaseState(TEN_NS + 1_500_000_000)),
        AUCTION,
        instrument("ADA-USD", OPENING_AUCTION),
    ]
    assert lines(found) == [
        "5 instruments: 2 continuous, 1 halted, 1 opening-auction, 1 volatility-auction",
        "ADA-USD  opening-auction     would trade: no price",
        "BTC-USD  volatility-auction  until 10:00:00",
        "                             would trade: 1.5000 at 30,000.0, sellers offer 0.2500 more",
        "                             from 28500.0 to 31500.0",
        "                             within 200 bp of the last trade",
        "XRP-USD  halted              until 10:00:01",
        "ETH-USD  continuous          within 500 bp of the next auction's price",
        "                             with both sides",
        "SOL-USD  continuous",
    ]
    assert lines(found, None)[2] == (
        "BTC-USD  volatility-auction  until 10:00:00 · would trade: 1.5000 at 30,000.0, sellers offer 0.2500 more"
        " · from 28500.0 to 31500.0 · within 200 bp of the last trade"
    )


def test_of_a_hundred_those_are_told_that_matter_and_the_phases_of_all_others() -> None:
    quiet = [instrument(f"Q{at:02}", CONTINUOUS) for at in range(80)]
    shut = [instrument(f"S{at:02}", CLOSED) for at in range(16)]
    held = [instrument("Z", HALTED), instrument("P", PRE_OPEN), instrument("B", CONTINUOUS, None, BANDS)]
    told = lines([*quiet, *shut, *held, AUCTION])
    assert told[0] == (
        "100 instruments: 81 continuous, 16 closed, 1 halted, 1 pre-open, 1 volatility-auction"
    )
    named = [line.split()[0] for line in told[1:-1] if not line.startswith(" ")]
    assert named == ["BTC-USD", "Z", "P", *(f"S{at:02}" for at in range(SHOWN_MAX - 3))]
    assert told[-1] == "and 84 more: 81 continuous, 3 closed"


def test_one_with_a_band_comes_before_those_without() -> None:
    found = [instrument("A", CONTINUOUS), instrument("B", CONTINUOUS, None, BANDS)]
    assert [line.split()[0] for line in lines(found, None)[1:]] == ["B", "A"]


def test_it_stands_below_the_processes_in_the_place_of_what_the_engine_said_of_phases() -> None:
    facts = (("stopped", "no"), ("phases", "BTC-USD volatility-auction"))
    row = Row(name=ENGINE, endpoint="", expected=True, health=OK, problem="", facts=facts)
    told = Row(
        name=ENGINE, endpoint="", expected=True, health=OK, problem="", facts=facts, instruments=(AUCTION,)
    )
    assert "  stopped no · phases BTC-USD volatility-auction" in picture([row], 80).plain.split("\n")
    shown = picture([told], 80).plain.split("\n")
    assert shown[2:6] == ["  stopped no", "", "1 instrument: 1 volatility-auction", shown[5]]
    assert shown[-2:] == ["", "engine ok"]


def test_the_values_of_the_engine_have_them_all_and_those_of_others_none() -> None:
    row = Row(name=ENGINE, endpoint="", expected=True, health=OK, problem="", instruments=(AUCTION,))
    (found,) = values(row)["instruments"]
    assert (found["phase"], found["definition"]["symbol"]) == ("volatility-auction", "BTC-USD")
    known, bands = found["phase_state"], found["protection"]
    assert (known["indicative_price"], known["indicative_quantity"]) == ("30000.0", "1.5000")
    assert (known["auction_price"], known["imbalance"]) == (None, "-0.2500")
    assert (bands["static_low"], bands["static_high"]) == ("28500.0", "31500.0")
    assert "instruments" not in values(Row(name=SHADOW, endpoint="", expected=True, health=OK, problem=""))
