"""The names of the feed's streams: no name is the beginning of another's, and every one can be taken apart again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.protocol import topics

SYMBOLS = st.from_regex(topics.SYMBOL, fullmatch=True)
KINDS = st.sampled_from([topics.TRADE, topics.LEVEL, topics.ORDER, topics.STATUS, topics.HEARTBEAT])


@given(KINDS, SYMBOLS)
def test_a_topic_is_taken_apart_again(kind: str, symbol: str) -> None:
    assert topics.parse(topics.topic(kind, symbol)) == (kind, symbol)


@given(KINDS, SYMBOLS, SYMBOLS)
def test_a_subscription_to_one_symbol_never_matches_another(kind: str, one: str, other: str) -> None:
    assert topics.topic(kind, other).startswith(topics.topic(kind, one)) == (one == other)


def test_the_topics_of_the_whole_engine_can_be_no_symbol() -> None:
    for name in (topics.CLOCK, topics.DROP):
        assert topics.parse(name) == (name[:-1], "")
        assert topics.parse(f"{topics.HEARTBEAT}.{name}") == (topics.HEARTBEAT, name[:-1])
        assert not topics.SYMBOL.fullmatch(name[:-1])


@pytest.mark.parametrize("name", ["", ".", ".X.", "trade", "trade.X", "X"])
def test_what_has_no_closing_dot_or_no_kind_is_no_topic(name: str) -> None:
    with pytest.raises(ValueError, match="not a topic"):
        topics.parse(name)


@pytest.mark.parametrize("symbol", ["", "btc", "BTC.USD", "BTC USD", "B" * 21, "BTC\n", "ÄÖÜ", "\u0661"])
def test_a_symbol_is_1_to_20_of_few_characters(symbol: str) -> None:
    assert not topics.SYMBOL.fullmatch(symbol)


@pytest.mark.parametrize("account", ["", "a b", "a/b", "a" * 33, "é", "a\n", "\u0663"])
def test_an_account_is_1_to_32_of_few_characters(account: str) -> None:
    assert not topics.ACCOUNT.fullmatch(account)
    assert topics.ACCOUNT.fullmatch("Bot-7_x.Y")
