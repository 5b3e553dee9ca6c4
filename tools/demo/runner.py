"""The demo's sessions with a running engine: each account has its own client, over the sockets that everybody uses.

When an account's session is another one than before (the engine had ended it), or reports are missing, its orders are
cancelled and it begins anew. While answers are outstanding nothing is added, so an engine that is away finds a market
that waited for it, not a heap of old orders.
"""

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from bus.errors import NotConnected, NotTaken
from bus.protocol.commands import MassCancel, TraderCommand
from bus.protocol.reasons import reason_name
from bus.protocol.reports import Rejected
from bus.protocol.terms import EXTERNAL, OPERATOR
from bus.sockets.async_client import AsyncClient
from bus.sockets.client import Client
from bus.sockets.session.happenings import Reports
from bus.sockets.session.prices import Scale
from tools.demo.money import Purses, define_assets, fund, set_fees
from tools.demo.products import PRODUCTS, Product
from tools.demo.traders import ACCOUNTS, Sent, Traders
from tools.exchange import ask_book, ask_instruments

STEPS_PER_S: Final = 10
#: While an account has more commands without an answer than this, the market waits.
_UNANSWERED_MAX: Final = 200
_OPERATOR: Final = "bot-operator"
_LOGOUT_S: Final = 1.0


class Seat:
    """One account's client, and what it must not miss."""

    def __init__(self, client: AsyncClient, account: str, traders: Traders) -> None:
        self.client = client
        self._account = account
        self._traders = traders
        self._session = client.session
        self._next_report = 0
        self._lost = False

    def take(self, reports: Reports) -> None:
        """The client's: new reports."""
        if self._next_report and reports.first_report != self._next_report:
            self._lost = True
        self._next_report = reports.first_report + len(reports.reports)
        for report in reports.reports:
            self._traders.take_report(self._account, report)

    def begin_anew(self) -> bool:
        """After a loss or in another session: cancel what there may be. False when all is as it was."""
        if self.client.session == self._session and not self._lost:
            return False
        self._session = self.client.session
        self._lost = False
        self._traders.forget(self._account)
        self.client.send_commands([MassCancel()])
        return True


def prepare(connect: str, port_base: int, token: str, timeout_s: float) -> tuple[tuple[Product, ...], bool]:
    """Define what is not there yet, and give money where the venue clears; the products, and whether it does.

    What is there keeps its own tick, lot, limits and decimals. Raises what a Client does.
    """
    there = ask_instruments(connect, port_base, timeout_s)
    missing = [product for product in PRODUCTS if product.definition.symbol not in there]
    with Client(
        connect, port_base, account=_OPERATOR, role=OPERATOR, token=token, timeout=timeout_s
    ) as operator:
        clears = define_assets(operator)
        if clears:
            fund(operator, ACCOUNTS)
        for pending in [operator.command(product.definition) for product in missing]:
            answer = pending.result()
            if isinstance(answer, Rejected):
                raise NotTaken(f"an instrument was not defined: {reason_name(answer.reason)}", answer.reason)
        if clears and missing:
            set_fees(operator, [product.definition.symbol for product in missing])
    there = ask_instruments(connect, port_base, timeout_s)
    products = tuple(
        Product(there[product.definition.symbol].definition, product.worth, product.size)
        for product in PRODUCTS
    )
    return products, clears


def last_prices(
    connect: str, port_base: int, timeout_s: float, products: tuple[Product, ...]
) -> dict[str, float]:
    """Where each market stood, so that a restarted demo goes on from there."""
    found: dict[str, float] = {}
    for product in products:
        symbol = product.definition.symbol
        ticks = ask_book(connect, port_base, timeout_s, symbol).last_price_ticks
        if ticks:
            found[symbol] = float(Scale(product.definition).price(ticks))
    return found


def bank(connect: str, port_base: int, token: str, timeout_s: float) -> AsyncClient:
    """The operator's client, that gives to who runs low; nobody reads its reports."""
    return AsyncClient(
        connect,
        port_base,
        account=_OPERATOR,
        role=OPERATOR,
        token=token,
        timeout=timeout_s,
        on_reports=lambda _: None,
    )


class Runner:
    """All sessions of the demo; `open`, then `run` until it is cancelled. `bank`: who gives, where the venue clears."""

    def __init__(
        self,
        connect: str,
        port_base: int,
        timeout_s: float,
        traders: Traders,
        orders_per_s: float,
        bank: AsyncClient | None,
    ) -> None:
        self._connect = connect
        self._port_base = port_base
        self._timeout_s = timeout_s
        self._traders = traders
        self._actions_per_step = orders_per_s / STEPS_PER_S
        self._seats: dict[str, Seat] = {}
        self._bank = bank
        self._purses = Purses()

    async def open(self, stack: AsyncExitStack) -> None:
        """Open the sessions, cancel what an earlier run left, and put up the ladders. Raises NotConnected."""
        stack.push_async_callback(self._leave)
        if self._bank is not None:
            await self._bank.open()
        for account in ACCOUNTS:
            client = AsyncClient(
                self._connect,
                self._port_base,
                account=account,
                cancel_on_disconnect=True,
                timeout=self._timeout_s,
                on_reports=partial(self._take, account),
            )
            self._seats[account] = Seat(client, account, self._traders)
            await client.open()
            self._seats[account].begin_anew()
        self._send(self._traders.opening())
        await self._until_answered()

    async def run(self) -> None:
        """Trade for ever. Raises what ends a session for good."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + 1 / STEPS_PER_S, loop.time())
            await asyncio.sleep(due - loop.time())
            if any(seat.client.unanswered > _UNANSWERED_MAX for seat in self._seats.values()):
                continue
            anew = [seat.begin_anew() for seat in self._seats.values()]
            if self._bank is not None:
                for account, asset, units in self._purses.take_deposits():
                    self._bank.transfer(EXTERNAL, account, asset, units)
            if not any(anew):
                self._send(self._traders.step(self._actions_per_step))

    async def _leave(self) -> None:
        """Log out, which cancels all orders; an engine that is gone does that when the leases end."""
        clients = [seat.client for seat in self._seats.values()]
        if self._bank is not None:
            clients.append(self._bank)
        await asyncio.gather(*(client.logout(_LOGOUT_S) for client in clients), return_exceptions=True)
        for client in clients:
            client.close()

    def _take(self, account: str, reports: Reports) -> None:
        self._seats[account].take(reports)
        for report in reports.reports:
            self._purses.take_report(account, report)

    def _send(self, sent: list[Sent]) -> None:
        commands: dict[str, list[TraderCommand]] = defaultdict(list)
        for account, command in sent:
            commands[account].append(command)
        for account, of_account in commands.items():
            self._seats[account].client.send_commands(of_account)

    async def _until_answered(self) -> None:
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        while any(seat.client.unanswered for seat in self._seats.values()):
            if asyncio.get_running_loop().time() > deadline:
                raise NotConnected("the engine does not answer the demo's first orders")
            await asyncio.sleep(0.01)
