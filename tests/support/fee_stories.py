"""Stories of fees: what fills cost, in the words of the contracts that say so. They are told to an engine.

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
from typing import Any

import msgspec

from bus.protocol import terms
from bus.protocol.commands import (
    AdvanceClock,
    CancelOrder,
    DefineAsset,
    DefineInstrument,
    EnterOrder,
    JoinGroup,
    SetFees,
    SetFeeTiers,
    SetGroup,
    Transfer,
)
from bus.protocol.records import SEMANTICS_VERSION, EngineStarted, Rules, SessionOpened
from bus.protocol.reports import COMPLETED, REJECTED, SETTLED, Settled
from bus.protocol.terms import BUY, EXTERNAL, OPERATOR, SELL
from matcher.book.level import Order
from matcher.codec.state_codec import decode_state, encode_state
from matcher.engine import Engine
from matcher.ledger.products.spot import Spot
from tests.support.markets import DAWN_NS
from tests.support.scenario import SCENARIOS, Block
from tests.support.scenario_language import NotUnderstood, rate

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

#: With whom everybody trades, and who is never looked at.
HOUSE = "house"
DAY_NS = 24 * 3600 * 10**9


def fee_files() -> list[Path]:
    """All files of such stories."""
    return sorted(FEE_STORIES.glob("*.txt"))


def whole(amount: Fraction) -> int:
    """What must be a whole number."""
    if amount.denominator != 1:
        raise NotUnderstood(f"{amount} is no whole number of units")
    return int(amount)


def decimal(amount: Fraction) -> str:
    """As people write it; every unit is a power of ten."""
    digits = 0
    while (amount * 10**digits).denominator != 1:
        digits += 1
    text = f"{int(abs(amount) * 10**digits):0{digits + 1}}"
    return text if not digits else f"{text[:-digits]}.{text[-digits:]}"


class Market:
    """An instrument of the stories, and how its amounts are written."""

    def __init__(
        self, symbol: str, words: dict[str, list[str]], names: dict[tuple[str, Fraction], str]
    ) -> None:
        self.symbol = symbol
        self.base, _, self.quote = symbol.partition("-")
        self.tick, self.lot = Fraction(words["tick"][0]), Fraction(words["lot"][0])
        base_unit, quote_unit = (Fraction(word) for word in words["units"])
        self.units = {self.base: base_unit, self.quote: quote_unit}
        self.names = names
        self.price_max_ticks = whole(Fraction(words.get("price", ["1000000"])[0]) / self.tick)
        self.quantity_max_lots = whole(Fraction(words.get("quantity", ["1000"])[0]) / self.lot)

    def asset(self, name: str) -> str:
        """The engine's name of an asset: contracts count the same asset in units of their own."""
        known = self.names.setdefault((name, self.units[name]), f"{name}{len(self.names)}")
        return known[:12]

    def definitions(self) -> list[DefineAsset]:
        """Of all its assets."""
        return [DefineAsset(self.asset(name), decimals_of(unit)) for name, unit in self.units.items()]

    def definition(self) -> DefineInstrument:
        """Of the instrument."""
        tick_decimals, lot_decimals = decimals_of(self.tick), decimals_of(self.lot)
        return DefineInstrument(
            self.symbol,
            self.asset(self.base),
            self.asset(self.quote),
            whole(self.tick * 10**tick_decimals),
            tick_decimals,
            whole(self.lot * 10**lot_decimals),
            lot_decimals,
            1,
            self.price_max_ticks,
            1,
            self.quantity_max_lots,
        )


class FeeTeller:
    """A venue that clears. Nobody in it has more than the trade at hand needs: what is held for it must be enough."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.markets: dict[str, Market] = {}
        self._names: dict[tuple[str, Fraction], str] = {}
        self._sessions: dict[str, int] = {}
        self._number = 0
        rules = Rules(1000, 1000, 100, 1000, terms.CLEARING_SPOT)
        self._record(EngineStarted(1, SEMANTICS_VERSION, terms.CLOCK_COMMANDS, rules))

    def tell(self, block: Block) -> list[str]:
        """What the actions of a block cause."""
        lines: list[str] = []
        for number, action in enumerate(block.actions):
            try:
                lines += self._do(action)
            except (NotUnderstood, ValueError, KeyError) as error:
                raise NotUnderstood(f"line {block.line + number}: {error!r}") from error
            self.engine.state.check()
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
            return [f"{verb} is in tier {self.engine.fees(verb, False)[0]}"]
        return self._fill(verb, words)

    def _market(self, words: list[str]) -> list[str]:
        market = self.markets[words[0]] = Market(words[0], options(words[1:], {"units": 2}), self._names)
        assert all(not self._refused(one) for one in market.definitions())
        return self._refused(market.definition())

    def _fees(self, words: list[str]) -> list[str]:
        symbol, *said = words
        if said == ["none"]:
            return self._refused(SetFees(symbol, []))
        market = self.markets[symbol]
        command = fees_of(market, " ".join(said))
        for one in market.definitions():
            self._say("op", one)
        return self._refused(command)

    def _tiers(self, words: list[str]) -> list[str]:
        return self._refused(SetFeeTiers([int(word) for word in words]))

    def _group(self, words: list[str]) -> list[str]:
        return self._refused(SetGroup(words[0], rate(words[1])))

    def _join(self, words: list[str]) -> list[str]:
        return self._refused(JoinGroup(words[0], "" if words[1] == "none" else words[1]))

    def _day(self, words: list[str]) -> list[str]:
        assert not self._refused(AdvanceClock(DAWN_NS + int(words[0]) * DAY_NS))
        return []

    def _again(self, words: list[str]) -> list[str]:
        assert not words
        before = encode_state(self.engine.state)
        self.engine = Engine(decode_state(before))
        assert encode_state(self.engine.state) == before
        return []

    def _fill(self, account: str, words: list[str]) -> list[str]:
        role, way, quantity, symbol, at, price = words
        if role not in ("maker", "taker", "worst") or way not in ("buys", "sells") or at != "@":
            raise NotUnderstood(f"{' '.join(words)!r} is no fill")
        market, side = self.markets[symbol], BUY if way == "buys" else SELL
        lots, ticks = whole(Fraction(quantity) / market.lot), whole(Fraction(price) / market.tick)
        if role == "worst":
            return self._worst(account, market, side, lots, ticks)
        other = SELL if side == BUY else BUY
        sides = [(account, side), (HOUSE, other)] if role == "maker" else [(HOUSE, other), (account, side)]
        told: list[Settled] = []
        for name, of_side in sides:
            events = self._enter(name, market, of_side, lots, ticks)
            told += [
                msgspec.convert(event, Settled)
                for to, event in events
                if to == account and event[0] == SETTLED
            ]
        (fill,) = told
        for name in (*self._sessions, terms.VENUE_FEES):
            self._give_back(name)
        if not fill.fee:
            assert (fill.fee_asset, fill.fee_total) == ("", 0)
            return [f"{account} pays nothing"]
        return [
            f"{account} {'pays' if fill.fee > 0 else 'gets'} {self._amount(market, fill.fee_asset, fill.fee)}"
        ]

    def _worst(self, account: str, market: Market, side: int, lots: int, ticks: int) -> list[str]:
        """What an order holds for its fee."""
        self._enter(account, market, side, lots, ticks)
        order = self.engine.state.accounts[account].requests[f"o{self._number}"]
        assert isinstance(order, Order)
        product = self._product(market)
        backs = product.quote_units(ticks, lots) if side == BUY else product.base_units(lots)
        held = order.held - backs + order.held_fee
        self._say(account, CancelOrder(order.sequence))
        self._give_back(account)
        fees = product.fees
        asset = product.quote if fees is None else fees.buyers_asset if side == BUY else fees.sellers_asset
        return [f"{account} holds {self._amount(market, asset, held)}"]

    def _enter(self, account: str, market: Market, side: int, lots: int, ticks: int) -> list[tuple[str, Any]]:
        """A limit order of an account that has what it takes, to the unit."""
        product = self._product(market)
        self._give(account, product.asset_to_hold(side), product.units_to_hold(side, ticks, lots))
        if product.fees is not None:
            self._give(account, product.fees.third, product.fee_to_hold(side, ticks, lots))
        self._number += 1
        events = self._say(account, EnterOrder(f"o{self._number}", market.symbol, side, lots, ticks))
        assert f"o{self._number}" in self.engine.state.accounts[account].requests
        return events

    def _give(self, account: str, asset: str, units: int) -> None:
        if units:
            assert not self._refused(Transfer(self._id(), EXTERNAL, account, asset, units))

    def _give_back(self, account: str) -> None:
        for asset, _, total, held in self.engine.balances(account):
            if total:
                assert not held
                assert not self._refused(Transfer(self._id(), account, EXTERNAL, asset, total))

    def _id(self) -> str:
        self._number += 1
        return f"t{self._number}"

    def _product(self, market: Market) -> Spot:
        assert self.engine.state.ledger is not None
        return self.engine.state.ledger.products[market.symbol]

    def _amount(self, market: Market, asset: str, units: int) -> str:
        ((name, unit),) = (known for known, of_engine in self._names.items() if of_engine[:12] == asset)
        assert name in market.units
        return f"{decimal(units * unit)} {name}"

    def _refused(self, command: Any) -> list[str]:
        """An operator's command; what is said when it is refused."""
        answer = next(
            event
            for to, event in self._say("op", command)
            if to == "op" and event[0] in (COMPLETED, REJECTED)
        )
        return [] if answer[0] == COMPLETED else ["refused"]

    def _say(self, account: str, command: Any) -> list[tuple[str, Any]]:
        if account not in self._sessions:
            self._sessions[account] = len(self._sessions) + 1
            self._record(SessionOpened(self._sessions[account], account, OPERATOR, 1000, False))
        state = self.engine.state
        return self.engine.apply(command, state.sequence + 1, state.time_ns + 1, self._sessions[account], 1)

    def _record(self, record: Any) -> None:
        state = self.engine.state
        self.engine.apply(record, state.sequence + 1, max(DAWN_NS, state.time_ns + 1))


def decimals_of(unit: Fraction) -> int:
    """How many decimals a unit has."""
    decimals = 0
    while (unit * 10**decimals).denominator != 1:
        decimals += 1
    return decimals


def fees_of(market: Market, text: str) -> SetFees:
    """The terms that these words say."""
    rates = [(rate(maker), rate(taker)) for maker, taker in RATES.findall(text)]
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

    return SetFees(
        market.symbol,
        rates,
        basis,
        paid_in,
        market.asset(asset) if asset in market.units else asset,
        ratio.numerator,
        ratio.denominator,
        WAYS[words.get("round", ["up"])[0]],
        amount("step", paid_unit, 1),
        amount("minimum", paid_unit, 0),
        amount("maximum", paid_unit, 0),
        rate(words.get("share", ["100%"])[0]),
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
