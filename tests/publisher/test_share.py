"""Which symbols a publisher carries: shares that make a whole, and what is refused."""

import pytest

from bus.errors import ConfigError
from publisher.share import parse_share

SYMBOLS = [f"S{n}-USD" for n in range(500)]
RECORDED = ["S0-USD", "S2-USD", "S4-USD", "S6-USD", "S9-USD", "S10-USD"]


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_shares_leave_nothing_out_and_never_overlap(parts: int) -> None:
    shares = [parse_share("", f"{part}/{parts}") for part in range(1, parts + 1)]
    carriers = [sum(share.has(symbol) for share in shares) for symbol in SYMBOLS]
    assert carriers == [1] * len(SYMBOLS)
    assert all(sum(map(share.has, SYMBOLS)) > len(SYMBOLS) // parts // 2 for share in shares)


def test_a_share_is_the_same_on_every_machine() -> None:
    """Recorded here, so that two machines never disagree."""
    found = [symbol for symbol in SYMBOLS[:12] if parse_share("", "2/3").has(symbol)]
    assert found == RECORDED


def test_named_symbols_and_nothing_else() -> None:
    share = parse_share("BTC-USD, ETH-USD", "")
    assert (share.has("BTC-USD"), share.has("ETH-USD"), share.has("BTC")) == (True, True, False)
    assert all(map(parse_share("", "").has, SYMBOLS))


@pytest.mark.parametrize(
    ("symbols", "share", "text"),
    [
        ("A", "1/2", "exclude each other"),
        ("btc", "", "'btc' is no symbol"),
        (" , ", "", "no symbol is named"),
        ("", "0/2", "expected PART/PARTS"),
        ("", "3/2", "expected PART/PARTS"),
        ("", "1/0", "expected PART/PARTS"),
        ("", "2", "expected PART/PARTS"),
        ("", "-1/2", "expected PART/PARTS"),
        ("", "1/2/3", "expected PART/PARTS"),
    ],
)
def test_what_makes_no_sense_is_refused(symbols: str, share: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        parse_share(symbols, share)
