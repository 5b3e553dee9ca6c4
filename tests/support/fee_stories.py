"""Stories of fees: what fills cost, in the words of the contracts that say so. They are told to `matcher.ledger.fees`.

The files are like those of `scenario`; their actions, one a line:

    market BTC-USD tick 0.01 lot 0.001 units 1e-8 1e-6 [price 1000000] [quantity 1000]     units of base and quote
    fees SYMBOL [RATES] [of notional|quantity|binary] [in quote|base|received|ASSET at 0.004 unit 1e-8] [round WAY]
         [step 0.01] [minimum 0.35] [maximum 75] [share 12.5%] [payout 1] [volume 1/1000]
    fees SYMBOL none
    tiers 50000 100000                       in units of volume
    group vip 25%
    join anna vip|none
    day 31
    NAME maker|taker buys|sells 0.5 SYMBOL @ 50000
    NAME worst buys|sells 0.5 SYMBOL @ 50000
    NAME tier
    again                                    from the bytes of the state

RATES are `maker 0.1% taker 0.2%`, or without a percent sign where they are amounts of money or shares; those of further
tiers follow behind commas. WAY is up, down, half-up or half-even. Amounts are decimals, and what is no whole number of
units is not understood.
"""

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import msgspec

from matcher.ledger.fees import schedule as terms
from matcher.ledger.fees.fees_codec import FEES, fees_of, fees_row
from matcher.ledger.fees.schedule import RATE_ONE, Extent, FeeSchedule
from matcher.ledger.fees.venue import VenueFees
from tests.support.scenario import SCENARIOS, Block
from tests.support.scenario_language import NotUnderstood

FEE_STORIES = SCENARIOS / "fees"

BASES = {"notional": terms.OF_NOTIONAL, "quantity": terms.OF_QUANTITY, "binary": terms.OF_BINARY}
PAID_IN = {"quote": terms.IN_QUOTE, "base": terms.IN_BASE, "received": terms.IN_RECEIVED}
WAYS = {
    "up": terms.ROUND_UP,
    "down": terms.ROUND_DOWN,
    "half-up": terms.ROUND_HALF_UP,
    "half-even": terms.ROUND_HALF_EVEN,
}
RATES = re.compile(r"maker ([^\s,]+) taker ([^\s,]+)")

_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(FEES).decode


def fee_files() -> list[Path]:
    """All files of such stories."""
    return sorted(FEE_STORIES.glob("*.txt"))


def whole(amount: Fraction) -> int:
    """What must be a whole number."""
    if amount.denominator != 1:
        raise NotUnderstood(f"{amount} is no whole number of units")
    return int(amount)


def rate_of(text: str) -> int:
    """A rate in billionths."""
    share = Fraction(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    return whole(share * RATE_ONE)


def decimal(amount: Fraction) -> str:
    """As people write it; every unit is a power of ten."""
    digits = 0
    while (amount * 10**digits).denominator != 1:
        digits += 1
    text = f"{int(abs(amount) * 10**digits):0{digits + 1}}"
    return text if not digits else f"{text[:-digits]}.{text[-digits:]}"


class Market:
    """An instrument of the stories, and how its amounts are written."""

    def __init__(self, symbol: str, words: dict[str, list[str]]) -> None:
        self.base, _, self.quote = symbol.partition("-")
        self.tick, self.lot = Fraction(words["tick"][0]), Fraction(words["lot"][0])
        base_unit, quote_unit = (Fraction(word) for word in words["units"])
        self.units = {self.base: base_unit, self.quote: quote_unit}
        self.extent = Extent(
            self.base,
            self.quote,
            whole(Fraction(words.get("price", ["1000000"])[0]) / self.tick),
            whole(Fraction(words.get("quantity", ["1000"])[0]) / self.lot),
            whole(self.lot / base_unit),
            whole(self.tick * self.lot / quote_unit),
        )

    def fill(self, quantity: str, price: str) -> tuple[int, int, int, int]:
        """Lots, base units, quote units, ticks."""
        lots, ticks = whole(Fraction(quantity) / self.lot), whole(Fraction(price) / self.tick)
        return lots, lots * self.extent.lot_base_units, lots * ticks * self.extent.lot_quote_units, ticks


class FeeTeller:
    """A venue without anything but fees."""

    def __init__(self) -> None:
        self.fees = VenueFees()
        self.markets: dict[str, Market] = {}
        self.day = 0

    def tell(self, block: Block) -> list[str]:
        """What the actions of a block cause."""
        lines: list[str] = []
        for number, action in enumerate(block.actions):
            try:
                lines += self._do(action)
            except (NotUnderstood, ValueError, KeyError) as error:
                raise NotUnderstood(f"line {block.line + number}: {error!r}") from error
            self.fees.check()
        return lines

    def _do(self, action: str) -> list[str]:
        verb, *words = action.split()
        verbs: dict[str, Callable[[list[str]], list[str]]] = {
            "market": self._market,
            "fees": self._fees,
            "tiers": self._tiers,
            "group": self._group,
            "join": self._join,
            "day": self._day,
            "again": self._again,
        }
        if verb in verbs:
            return verbs[verb](words)
        if words == ["tier"]:
            return [f"{verb} is in tier {self.fees.tier(verb, self.day)}"]
        return self._fill(verb, words)

    def _market(self, words: list[str]) -> list[str]:
        self.markets[words[0]] = Market(words[0], options(words[1:], {"units": 2}))
        return []

    def _fees(self, words: list[str]) -> list[str]:
        symbol, *terms_ = words
        if terms_ == ["none"]:
            self.fees.set_schedule(symbol, None)
            return []
        market = self.markets[symbol]
        schedule = schedule_of(market, " ".join(terms_))
        if not self.fees.may_set_schedule(schedule, market.extent):
            return ["refused"]
        self.fees.set_schedule(symbol, schedule)
        return []

    def _tiers(self, words: list[str]) -> list[str]:
        thresholds = [int(word) for word in words]
        if not self.fees.may_set_tiers(thresholds):
            return ["refused"]
        self.fees.set_tiers(thresholds)
        return []

    def _group(self, words: list[str]) -> list[str]:
        name, discount = words[0], rate_of(words[1])
        if not self.fees.may_set_group(name, discount):
            return ["refused"]
        self.fees.set_group(name, discount)
        return []

    def _join(self, words: list[str]) -> list[str]:
        account, group = words[0], "" if words[1] == "none" else words[1]
        if not self.fees.may_join(group):
            return ["refused"]
        self.fees.join(account, group)
        return []

    def _day(self, words: list[str]) -> list[str]:
        self.day = int(words[0])
        return []

    def _again(self, words: list[str]) -> list[str]:
        assert not words
        before = _encode(fees_row(self.fees))
        self.fees = fees_of(_decode(before))
        assert _encode(fees_row(self.fees)) == before
        return []

    def _fill(self, account: str, words: list[str]) -> list[str]:
        role, way, quantity, symbol, at, price = words
        if role not in ("maker", "taker", "worst") or way not in ("buys", "sells") or at != "@":
            raise NotUnderstood(f"{' '.join(words)!r} is no fill")
        market, buys = self.markets[symbol], way == "buys"
        lots, base_units, quote_units, ticks = market.fill(quantity, price)
        schedule = self.fees.schedules.get(symbol)
        asset = market.quote if schedule is None else schedule.asset_paid(market.base, market.quote, buys)
        if role == "worst":
            held = self.fees.worst_fee_units(symbol, lots, base_units, quote_units, ticks, buys)
            return [f"{account} holds {decimal(held * market.units[asset])} {asset}"]
        units = self.fees.fee_units(
            symbol, account, self.day, base_units, quote_units, ticks, buys, role == "maker"
        )
        self.fees.count(symbol, account, self.day, quote_units)
        if not units:
            return [f"{account} pays nothing"]
        amount = decimal(units * market.units[asset])
        return [f"{account} {'pays' if units > 0 else 'gets'} {amount} {asset}"]


def schedule_of(market: Market, text: str) -> FeeSchedule:
    """The terms that these words say."""
    rates = tuple((rate_of(maker), rate_of(taker)) for maker, taker in RATES.findall(text))
    words = options(RATES.sub("", text).replace(",", "").split(), {})
    basis = BASES[words.get("of", ["notional"])[0]]
    paid = words.get("in", ["quote"])[0]
    paid_in = PAID_IN.get(paid, terms.IN_THIRD)
    asset = paid if paid_in == terms.IN_THIRD else ""
    base_unit, quote_unit = market.units[market.base], market.units[market.quote]
    if asset and "unit" in words:
        market.units[asset] = Fraction(words["unit"][0])
    paid_unit = market.units[asset] if asset else base_unit if paid == "base" else quote_unit
    ratio = Fraction(1)
    if asset:
        ratio = Fraction(words["at"][0])
    if asset or (basis == terms.OF_QUANTITY and paid_in == terms.IN_QUOTE):
        ratio *= (base_unit if basis == terms.OF_QUANTITY else quote_unit) / paid_unit
    volume = Fraction(words.get("volume", ["1"])[0])

    def amount(word: str, unit: Fraction, otherwise: int) -> int:
        return whole(Fraction(words[word][0]) / unit) if word in words else otherwise

    return FeeSchedule(
        rates,
        basis,
        paid_in,
        asset,
        ratio.numerator,
        ratio.denominator,
        WAYS[words.get("round", ["up"])[0]],
        amount("step", paid_unit, 1),
        amount("minimum", paid_unit, 0),
        amount("maximum", paid_unit, 0),
        rate_of(words.get("share", ["100%"])[0]),
        amount("payout", market.tick, 0),
        volume.numerator,
        volume.denominator,
    )


def options(words: list[str], lengths: dict[str, int]) -> dict[str, list[str]]:
    """Words in front of values; one value each, where nothing else is said."""
    found: dict[str, list[str]] = {}
    while words:
        name = words[0]
        end = 1 + lengths.get(name, 1)
        found[name] = words[1:end]
        words = words[end:]
    return found
