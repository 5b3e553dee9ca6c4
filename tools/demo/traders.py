"""The demo's traders: three market makers with ladders of quotes, two takers, and a crowd that comes and goes.

Pure and seeded: the same seed, the same steps and the same reports give the same commands. Each account looks only at
its own reports. Whatever was not answered within some seconds is given up and cancelled, so that nothing piles up;
`open_orders_max` is how many orders there can be at once, whatever happens.
"""

from collections.abc import Iterator, Mapping
from math import tanh
from random import Random
from typing import Final

from bus.protocol.commands import CancelOrder, DefineInstrument, EnterOrder, ReplaceOrder, TraderCommand
from bus.protocol.reports import Accepted, Cancelled, Duplicate, Filled, Rejected, Replaced, Report
from bus.protocol.terms import BUY, GTC, IOC, LIMIT, MARKET, POST_ONLY, SELL
from tools.demo.prices import Worths
from tools.demo.products import Product

MAKERS: Final = ("bot-maker-1", "bot-maker-2", "bot-maker-3")
TAKERS: Final = ("bot-taker-1", "bot-taker-2")
CROWD: Final = "bot-crowd"
ACCOUNTS: Final = (*MAKERS, *TAKERS, CROWD)

#: Of a maker's ladder, on each side.
_RUNGS: Final = 8
#: Orders of the crowd in each book.
_CROWD_ORDERS_MAX: Final = 12
#: Steps after which an answer that did not come is no longer waited for.
_PATIENCE_STEPS: Final = 50
#: Offsets from the worth, as parts of it: the innermost rung of each maker, and from rung to rung.
_INNERMOST: Final = (0.6e-4, 0.8e-4, 1.1e-4)
_RUNG: Final = (0.55e-4, 0.8e-4, 1.2e-4)
#: How often the books are traded in: the first ones more than the others.
_WEIGHTS: Final = (5, 4, 2, 2, 2)
#: How far from the worth a market order trades at most, as a part of it.
_PROTECTION: Final = 0.02

Sent = tuple[str, TraderCommand]


class _Slot:
    """A place for one order: a rung of a ladder. `order` is "" while it is empty."""

    __slots__ = ("order", "price_ticks", "waiting_since")

    def __init__(self) -> None:
        self.order = ""
        self.price_ticks = 0
        self.waiting_since = -1  # the step at which something was asked about it; -1: all is answered


class Traders:
    """All accounts of the demo. `run` is part of every id: no two runs may have the same."""

    def __init__(
        self, seed: int, run: str, products: tuple[Product, ...], last_prices: Mapping[str, float]
    ) -> None:
        self._random = Random(seed)
        self._run = run
        self._ids = 0
        self._step = 0
        self._products = products
        at_first = {
            product.definition.symbol: min(max(last, 0.8 * product.worth), 1.2 * product.worth)
            for product in products
            if (last := last_prices.get(product.definition.symbol, 0.0)) > 0
        }
        self.worths = Worths(
            self._random, {product.definition.symbol: product.worth for product in products}, at_first
        )
        self._ladders = {
            (account, product.definition.symbol, side): [_Slot() for _ in range(_RUNGS)]
            for account in MAKERS
            for product in products
            for side in (BUY, SELL)
        }
        self._crowd: dict[str, list[_Slot]] = {product.definition.symbol: [] for product in products}
        # account -> id of an order or of a replace -> its slot
        self._slots: dict[str, dict[str, _Slot]] = {account: {} for account in ACCOUNTS}

    @property
    def open_orders_max(self) -> int:
        """The most orders there can be."""
        return len(self._products) * (2 * _RUNGS * len(MAKERS) + _CROWD_ORDERS_MAX)

    # Commands out.

    def opening(self) -> list[Sent]:
        """Every rung of every ladder, so that there is a market at once."""
        return [
            sent
            for account in MAKERS
            for product in self._products
            for rung in range(_RUNGS)
            for side in (BUY, SELL)
            for sent in self._quote(account, product, side, rung)
        ]

    def step(self, actions: float) -> list[Sent]:
        """What they do in the next tenth of a second: about so many actions, more when the market is unruly."""
        random = self._random
        self._step += 1
        self.worths.step()
        self._give_up()
        sent: list[Sent] = []
        for _ in range(int(actions * min(self.worths.activity, 3.0) + random.random())):
            product = random.choices(self._products, _WEIGHTS[: len(self._products)])[0]
            choice = random.random()
            if choice < 0.62:
                sent += self._make(random.choice(MAKERS), product)
            elif choice < 0.86:
                sent += self._join_or_leave(product)
            else:
                sent += self._take(random.choice(TAKERS), product)
        return sent

    def _make(self, account: str, product: Product) -> Iterator[Sent]:
        """A maker puts right the rung that is furthest from where it should be."""
        symbol = product.definition.symbol
        worst: tuple[float, int, int] | None = None
        for side in (BUY, SELL):
            for rung, slot in enumerate(self._ladders[account, symbol, side]):
                if slot.waiting_since >= 0:
                    continue
                wanted = self._rung_price(account, product, side, rung)
                # An empty rung is as bad as one that is a whole rung off; the inner ones matter more.
                distance = 1.0 if not slot.order else abs(slot.price_ticks / wanted - 1.0) / _RUNG[0]
                badness = distance / (1 + rung)
                if worst is None or badness > worst[0]:
                    worst = (badness, side, rung)
        if worst is not None:
            yield from self._quote(account, product, worst[1], worst[2])

    def _quote(self, account: str, product: Product, side: int, rung: int) -> Iterator[Sent]:
        random = self._random
        symbol = product.definition.symbol
        slot = self._ladders[account, symbol, side][rung]
        noise = 1.0 + random.gauss(0.0, 0.08) * _RUNG[0]
        price_ticks = _price(product.definition, self._rung_price(account, product, side, rung) * noise)
        if slot.order and random.random() < 0.6:
            if price_ticks != slot.price_ticks:
                slot.waiting_since = self._step
                request = self._new_id(account, slot)
                yield account, ReplaceOrder(request, 0, slot.order, price_ticks)
            return
        if slot.order:
            yield account, CancelOrder(0, slot.order)
        size = product.size * (1.0 + 0.4 * rung) * random.lognormvariate(0.0, 0.5)
        slot.price_ticks = price_ticks
        slot.waiting_since = self._step
        slot.order = self._new_id(account, slot)
        yield (
            account,
            EnterOrder(
                slot.order,
                symbol,
                side,
                _quantity(product.definition, size),
                price_ticks,
                LIMIT,
                GTC,
                POST_ONLY,
            ),
        )

    def _take(self, account: str, product: Product) -> Iterator[Sent]:
        """A taker follows the trend more often than not, and now and then in earnest."""
        random = self._random
        symbol = product.definition.symbol
        side = BUY if random.random() < 0.5 + 0.3 * tanh(self.worths.drift(symbol)) else SELL
        size = product.size * random.lognormvariate(-0.6, 0.8) * (12.0 if random.random() < 0.03 else 1.0)
        quantity = _quantity(product.definition, size)
        if random.random() < 0.4:
            order_type, reach = MARKET, _PROTECTION
        else:
            order_type, reach = LIMIT, 8e-4
        worst = 1.0 + (reach if side == BUY else -reach)
        price_ticks = _price(product.definition, self._worth_ticks(product) * worst)
        yield account, EnterOrder(self._new_id(account), symbol, side, quantity, price_ticks, order_type, IOC)

    def _join_or_leave(self, product: Product) -> Iterator[Sent]:
        """Somebody of the crowd puts an order near the market, or takes an old one back."""
        random = self._random
        symbol = product.definition.symbol
        slots = [slot for slot in self._crowd[symbol] if slot.order]
        self._crowd[symbol] = slots
        if slots and (len(slots) >= _CROWD_ORDERS_MAX or random.random() < 0.4):
            slot = random.choice(slots)
            if slot.waiting_since < 0:
                slot.waiting_since = self._step
                yield CROWD, CancelOrder(0, slot.order)
            return
        side = random.choice((BUY, SELL))
        offset = random.expovariate(1.0) * 3e-4 - 0.2e-4
        price = self._worth_ticks(product) * (1.0 + (-offset if side == BUY else offset))
        slot = _Slot()
        slot.price_ticks = _price(product.definition, price)
        slot.waiting_since = self._step
        slot.order = self._new_id(CROWD, slot)
        slots.append(slot)
        quantity = _quantity(product.definition, product.size * random.lognormvariate(-0.4, 0.7))
        yield CROWD, EnterOrder(slot.order, symbol, side, quantity, slot.price_ticks)

    # Reports in.

    def take_report(self, account: str, report: Report) -> None:
        """A report of one of the accounts."""
        slots = self._slots[account]
        if isinstance(report, Accepted):
            slot = slots.get(report.client_order_id)
            if slot is not None and slot.order == report.client_order_id:
                slot.waiting_since = -1
        elif isinstance(report, Replaced):
            slot = slots.pop(report.request_id, None)
            if slot is not None and slot.order == report.client_order_id:
                slot.price_ticks = report.price_ticks
                slot.waiting_since = -1
        elif isinstance(report, Filled):
            if not report.leaves_lots:
                self._ended(account, report.client_order_id)
        elif isinstance(report, Cancelled):
            self._ended(account, report.client_order_id)
        elif isinstance(report, Rejected | Duplicate):
            slot = slots.pop(report.request_id, None)
            if slot is not None:
                slot.waiting_since = -1
                if slot.order == report.request_id:
                    slot.order = ""

    def forget(self, account: str) -> None:
        """None of the account's orders is open any longer."""
        for slot in self._slots[account].values():
            slot.order = ""
            slot.waiting_since = -1
        self._slots[account].clear()

    def _ended(self, account: str, order: str) -> None:
        slot = self._slots[account].pop(order, None)
        if slot is not None and slot.order == order:
            slot.order = ""
            slot.waiting_since = -1

    def _give_up(self) -> None:
        """Answers that did not come: the rung is tried again, which cancels what may be there."""
        if self._step % _PATIENCE_STEPS:
            return
        for slots in self._slots.values():
            for slot in slots.values():
                if 0 <= slot.waiting_since < self._step - _PATIENCE_STEPS:
                    slot.waiting_since = -1

    # Numbers.

    def _rung_price(self, account: str, product: Product, side: int, rung: int) -> float:
        maker = MAKERS.index(account)
        offset = _INNERMOST[maker] + rung * _RUNG[maker]
        return self._worth_ticks(product) * (1.0 + (-offset if side == BUY else offset))

    def _worth_ticks(self, product: Product) -> float:
        definition = product.definition
        tick = definition.tick_mantissa * 10.0**-definition.tick_decimals
        return self.worths.worth(definition.symbol) / tick

    def _new_id(self, account: str, slot: _Slot | None = None) -> str:
        self._ids += 1
        name = f"{self._run}-{self._ids}"
        if slot is not None:
            self._slots[account][name] = slot
        return name


def _price(definition: DefineInstrument, ticks: float) -> int:
    return min(max(round(ticks), definition.price_min_ticks), definition.price_max_ticks)


def _quantity(definition: DefineInstrument, size: float) -> int:
    lots = round(size * 10.0**definition.lot_decimals / definition.lot_mantissa)
    # People like round numbers: two digits that say something.
    step = int("1".ljust(len(str(lots)) - 1, "0"))
    lots = lots // step * step
    return min(max(lots, definition.quantity_min_lots), definition.quantity_max_lots)
