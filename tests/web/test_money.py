"""Money over HTTP, at a venue that clears: who has what, what moves it, and what is refused to the unit."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from bus.protocol.commands import OperatorCommand, SetFees, SetFeeTiers
from bus.protocol.reports import Completed
from tests.support.api_page import MONEY, run
from tests.support.browser import WAIT_MS, Watched, chromium
from tests.support.contrast import poorly_shown
from tests.support.money_venue import SYMBOL, MoneyVenue
from tests.support.streaming import Stream, url
from tests.support.venue import ApiKey, Response, Venue


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MoneyVenue]:
    """A venue that clears."""
    with MoneyVenue(tmp_path_factory.mktemp("bank")) as running:
        yield running


@pytest.fixture(scope="module")
def anna(bank: MoneyVenue) -> ApiKey:
    """A trader's key that may withdraw, too; its account has 1,000 USD."""
    bank.deposit("anna", "USD", "1000")
    return bank.key("anna", "read", "trade", "withdraw")


def why(said: Response) -> tuple[int, str, str | None]:
    """What a refusal says."""
    return said.status, said.json["reason"], said.json["field"]


def audited(bank: Venue, event: str) -> list[dict[str, Any]]:
    """Lines of the audit log."""
    lines = (bank.data / "web/audit.log").read_text(encoding="utf-8").splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == event]


def test_money_comes_is_held_moves_and_leaves(bank: MoneyVenue, anna: ApiKey) -> None:
    """One account's money from the first deposit to the last withdrawal, each figure to the unit."""
    said = bank.signed(anna, "GET", "/api/v1/balances").json
    assert said["account"] == "anna"
    usd = {
        "asset": "USD",
        "decimals": 6,
        "total": "1000.000000",
        "held": "0.000000",
        "free": "1000.000000",
    }
    assert said["balances"] == [usd]
    assert said["assets"] == [{"asset": "BTC", "decimals": 8}, {"asset": "USD", "decimals": 6}]

    order = {"symbol": SYMBOL, "side": "buy", "quantity": "2.5", "price": "100.01", "client_order_id": "o1"}
    assert bank.signed(anna, "POST", "/v1/order", order).status == 200
    assert bank.balances(anna) == {"USD": ("1000.000000", "250.025000", "749.975000")}
    more = {**order, "quantity": "7.5", "client_order_id": "o2"}
    assert why(bank.signed(anna, "POST", "/v1/order", more)) == (403, "insufficient_funds", None)
    market = {"symbol": SYMBOL, "side": "buy", "quantity": "1", "type": "market"}
    assert why(bank.signed(anna, "POST", "/v1/order", market)) == (409, "limit_needed", "price")

    # What is held does not leave, and the last free unit does.
    held = bank.post(anna, "withdrawals", asset="USD", amount="749.975001")
    assert why(held) == (403, "insufficient_funds", "amount")
    left = bank.post(anna, "withdrawals", asset="USD", amount="749.975", transfer_id="w1", why="rent")
    assert left.status == 200, left.body
    assert {name: left.json[name] for name in ("transfer_id", "account", "source", "target", "amount")} == {
        "transfer_id": "w1",
        "account": "anna",
        "source": "anna",
        "target": "venue:external",
        "amount": "749.975000",
    }
    assert "duplicate" not in left.json
    assert bank.balances(anna) == {"USD": ("250.025000", "250.025000", "0.000000")}
    (line,) = [one for one in audited(bank, "moved") if one["status"] == 200]
    assert (line["account"], line["by"], line["path"]) == ("anna", anna.key_id, "/api/v1/withdrawals")
    assert "rent" in line["body"]

    # A sub-account of its own; the operator sees what is at the venue.
    algo = bank.key("anna.algo", "read", "trade")
    missing = bank.post(anna, "transfers", target="anna.algo", asset="USD", amount="1")
    assert why(missing) == (409, "invalid_transfer", "target")
    assert bank.balances(algo) == {}
    bank.signed(anna, "POST", "/v1/order/cancel_all", {})
    moved = bank.post(anna, "transfers", target="anna.algo", asset="USD", amount="50.025")
    assert moved.status == 200, moved.body
    assert bank.balances(algo) == {"USD": ("50.025000", "0.000000", "50.025000")}
    assert bank.balances(anna) == {"USD": ("200.000000", "0.000000", "200.000000")}
    at_venue = bank.signed(bank.ops, "GET", "/api/v1/admin/assets").json["assets"]
    assert at_venue == [
        {"asset": "BTC", "decimals": 8, "at_venue": "0.00000000"},
        {"asset": "USD", "decimals": 6, "at_venue": "250.025000"},
    ]
    seen = bank.signed(bank.ops, "GET", "/api/v1/admin/balances?account=anna.algo").json
    assert [row["free"] for row in seen["balances"]] == ["50.025000"]
    taken = bank.post(bank.ops, "admin/withdrawals", account="anna.algo", asset="USD", amount="50.025")
    assert (taken.status, taken.json["source"], taken.json["account"]) == (200, "anna.algo", "ops")
    assert bank.balances(algo) == {"USD": ("0.000000", "0.000000", "0.000000")}


def test_a_transfer_that_is_sent_again_happens_once(bank: MoneyVenue, anna: ApiKey) -> None:
    before = bank.balances(anna)["USD"][0]
    body = {"asset": "USD", "amount": "10", "transfer_id": "again"}
    first = bank.post(anna, "withdrawals", **body)
    again = bank.post(anna, "withdrawals", **body)
    assert (first.status, again.status, again.json["duplicate"]) == (200, 200, True)
    assert float(before) - float(bank.balances(anna)["USD"][0]) == 10
    # The same money written otherwise is the same; another amount is not.
    assert bank.post(anna, "withdrawals", **{**body, "amount": "10.000000"}).json["duplicate"]
    other = bank.post(anna, "withdrawals", **{**body, "amount": "10.000001"})
    assert why(other) == (409, "id_taken", "transfer_id")
    # An id that was refused stays refused, whatever came in meanwhile.
    much = {"asset": "USD", "amount": "5000", "transfer_id": "too-much"}
    assert why(bank.post(anna, "withdrawals", **much)) == (403, "insufficient_funds", "amount")
    bank.deposit("anna", "USD", "5000", transfer_id="d-5000")
    assert why(bank.post(anna, "withdrawals", **much)) == (403, "insufficient_funds", "amount")
    told = bank.post(
        bank.ops, "admin/deposits", account="anna", asset="USD", amount="5000", transfer_id="d-5000"
    )
    assert (told.status, told.json["duplicate"]) == (200, True)
    # Without an id the signed request is one: its very bytes sent again are the same transfer.
    content = json.dumps({"asset": "USD", "amount": "1"}).encode()
    headers = {**anna.headers("POST", "/api/v1/withdrawals", content), "Content-Type": "application/json"}
    twice = [bank.request("POST", "/api/v1/withdrawals", content, headers) for _ in range(2)]
    assert [one.json.get("duplicate", False) for one in twice] == [False, True]
    assert twice[0].json["transfer_id"] == twice[1].json["transfer_id"]


WRONG: list[tuple[str, dict[str, Any], tuple[int, str, str | None]]] = [
    ("withdrawals", {"amount": "-1"}, (400, "invalid_field", "amount")),
    ("withdrawals", {"amount": "1e3"}, (400, "invalid_field", "amount")),
    ("withdrawals", {"amount": 1}, (400, "invalid_field", "amount")),
    ("withdrawals", {"amount": "1.0000001"}, (409, "invalid_field", "amount")),
    ("withdrawals", {"amount": "1.0000000000000000000000000000000001"}, (409, "invalid_field", "amount")),
    ("withdrawals", {"amount": "9223372036854.775808"}, (409, "invalid_field", "amount")),
    ("withdrawals", {"amount": "9223372036854.775807"}, (403, "insufficient_funds", "amount")),
    ("withdrawals", {"amount": "0"}, (409, "amount_not_positive", "amount")),
    ("withdrawals", {"asset": "EUR"}, (404, "unknown_asset", "asset")),
    ("withdrawals", {"asset": "usd"}, (400, "invalid_field", "asset")),
    ("withdrawals", {"transfer_id": "x" * 37}, (400, "invalid_field", "transfer_id")),
    ("withdrawals", {"account": "bob"}, (400, "unknown_field", "account")),
    ("withdrawals", {"asset": "BTC"}, (403, "insufficient_funds", "amount")),
    ("transfers", {"target": "anna"}, (409, "invalid_transfer", "target")),
    ("transfers", {"target": "bob"}, (409, "invalid_transfer", "target")),
    ("transfers", {"target": "venue:external"}, (400, "invalid_field", "target")),
    ("transfers", {}, (400, "missing_field", "target")),
]


def test_what_moves_nothing_says_why(bank: MoneyVenue, anna: ApiKey) -> None:
    bank.key("bob", "read")
    before = bank.balances(anna)
    for path, body, reason in WRONG:
        said = bank.post(anna, path, **{"asset": "USD", "amount": "1", **body})
        assert why(said) == reason, (path, body)
    ops = bank.ops
    for path, body, reason in (
        ("deposits", {"amount": "9223372036854.775807"}, (403, "balance_too_large", "amount")),
        ("deposits", {"account": "venue:fees"}, (400, "invalid_field", "account")),
        ("withdrawals", {"account": "nobody"}, (403, "insufficient_funds", "amount")),
    ):
        said = bank.post(ops, f"admin/{path}", **{"account": "anna", "asset": "USD", "amount": "1", **body})
        assert why(said) == reason, (path, body)
    assert why(bank.post(ops, "admin/assets", asset="USD", decimals=2)) == (409, "asset_differs", "decimals")
    assert why(bank.post(ops, "admin/assets", asset="EUR", decimals=19))[1:] == ("invalid_field", "decimals")
    assert bank.balances(anna) == before


def test_money_leaves_with_a_key_for_it_and_with_no_other(bank: MoneyVenue, anna: ApiKey) -> None:
    trader = bank.key("anna", "read", "trade")
    body = {"asset": "USD", "amount": "1"}
    assert why(bank.post(trader, "withdrawals", **body))[:2] == (403, "scope_missing")
    assert why(bank.post(trader, "admin/withdrawals", account="anna", **body))[:2] == (403, "scope_missing")
    # Nor does it make itself one that may.
    made = bank.post(trader, "keys", scopes=["withdraw"])
    assert why(made) == (403, "scope_missing", "scopes")
    made = bank.post(anna, "keys", scopes=["withdraw"])
    assert (made.status, made.json["scopes"]) == (200 + 1, ["withdraw"])
    payer = ApiKey("anna", made.json["key"], made.json["secret"])
    assert bank.post(payer, "withdrawals", **body).status == 200
    # It is for nothing else.
    assert why(bank.signed(payer, "GET", "/api/v1/balances"))[:2] == (403, "scope_missing")
    assert why(bank.post(payer, "transfers", target="anna.algo", **body))[:2] == (403, "scope_missing")
    # Who is stopped takes nothing out, and the operator still does.
    switch = {"account": "anna", "on": True}
    assert bank.post(bank.ops, "admin/kill_switch", **switch).status == 200
    assert why(bank.post(payer, "withdrawals", **body))[:2] == (403, "account_stopped")
    assert bank.post(bank.ops, "admin/withdrawals", account="anna", **body).status == 200
    assert bank.post(bank.ops, "admin/kill_switch", **{**switch, "on": False}).status == 200


def test_every_example_of_the_page_is_answered_as_it_says(bank: MoneyVenue) -> None:
    alice = bank.key("alice", "read", "trade", "withdraw")
    run(bank, {"alice": alice, "ops": bank.ops}, MONEY)
    bank.signed(alice, "POST", "/v1/order/cancel_all", {})


def test_what_moved_a_balance_is_told_with_what_there_was_afterwards(bank: MoneyVenue) -> None:
    """Over HTTP and on the command line, page by page."""
    boris, carla = (bank.key(name, "read", "trade") for name in ("boris", "carla"))
    bank.deposit("boris", "USD", "1000", transfer_id="b-in")
    bank.deposit("carla", "BTC", "1", transfer_id="c-in")
    buy = {"symbol": SYMBOL, "side": "buy", "quantity": "0.5", "price": "200", "client_order_id": "b1"}
    assert bank.signed(boris, "POST", "/v1/order", buy).status == 200
    sold = bank.signed(carla, "POST", "/v1/order", {**buy, "side": "sell", "quantity": "0.3", "price": "199"})
    path = f"/api/v1/movements?at_least={sold.json['sequence']}"

    def rows(key: ApiKey, more: str = "") -> list[tuple[str, str, str, str]]:
        said = bank.signed(key, "GET", path + more)
        assert said.status == 200, said.body
        return [(row["kind"], row["asset"], row["amount"], row["total"]) for row in said.json["movements"]]

    assert rows(boris, "&order=oldest") == [
        ("deposit", "USD", "1000.000000", "1000.000000"),
        ("trade", "USD", "-60.000000", "940.000000"),
        ("trade", "BTC", "0.30000000", "0.30000000"),
    ]
    assert rows(carla, "&asset=USD") == [("trade", "USD", "60.000000", "60.000000")]
    assert rows(carla, "&transfer_id=c-in") == [("deposit", "BTC", "1.00000000", "1.00000000")]
    first = bank.signed(boris, "GET", path + "&limit=1").json
    assert (first["more"], first["movements"][0]["asset"]) == (True, "BTC")
    told = first["movements"][0]
    assert (told["client_order_id"], told["symbol"], told["trade_id"]) == ("b1", SYMBOL, 1)
    assert "transfer_id" not in told
    behind = f"&after={told['movement_number']}&to={told['time_ms'] + 1_000}"
    assert [row[0] for row in rows(boris, behind)] == ["trade", "deposit"]
    assert rows(boris, f"&from={told['time_ms'] + 60_000}") == []
    wrong = bank.signed(boris, "GET", "/api/v1/movements?from=5&to=5")
    assert why(wrong) == (409, "invalid_field", "to")

    def shown(*words: str) -> list[str]:
        told = ("account", "movements", *words, "--data", str(bank.data))
        return bank.processes.run(*bank.processes.exchange(*told)).splitlines()

    table = shown("boris", "--oldest-first")
    assert table[0] == "3 movements of boris"
    assert table[3].split()[2:6] == ["trade", "USD", "-60.000000", "940.000000"]
    assert table[3].split()[6:10] == ["BTC-USD", "trade", "1,", "order"]
    (outside,) = map(json.loads, shown("venue:external", "--id", "c-in", "--json"))
    assert (outside["kind"], outside["amount"], outside["amount_decimal"]) == (
        "deposit",
        -(10**8),
        "-1.00000000",
    )
    assert outside["counterparty"] == "carla"


def test_fees_are_held_told_and_kept(bank: MoneyVenue) -> None:
    """A maker who pays 0.1% and a taker who pays 0.2%, in the second tier of two."""
    harry, ivan = (bank.key(name, "read", "trade") for name in ("harry", "ivan"))
    bank.deposit("harry", "USD", "1000")
    bank.deposit("ivan", "BTC", "2")
    free = bank.signed(harry, "GET", "/api/v1/fees").json
    assert (free["tier"], free["tiers"], free["fees"], free["group"]) == (1, 1, [], None)
    with bank.client("operator", role="operator", token=bank.token) as operator:

        def done(command: OperatorCommand) -> None:
            assert isinstance(operator.command(command).result(), Completed)

        done(SetFeeTiers([10**12]))
        done(SetFees(SYMBOL, [(1_000_000, 2_000_000), (0, 1_500_000)]))
        try:
            told = bank.signed(harry, "GET", "/api/v1/fees").json
            assert (told["tier"], told["tiers"], told["volume"], told["next_volume"]) == (
                1,
                2,
                "0",
                str(10**12),
            )
            (of_symbol,) = told["fees"]
            assert (of_symbol["symbol"], of_symbol["basis"], of_symbol["paid_in"]) == (
                SYMBOL,
                "notional",
                "quote",
            )
            assert (float(of_symbol["maker_percent"]), float(of_symbol["taker_percent"])) == (0.1, 0.2)
            buy = {"symbol": SYMBOL, "side": "buy", "quantity": "1", "price": "500", "client_order_id": "h1"}
            assert bank.signed(harry, "POST", "/v1/order", buy).status == 200
            # The larger rate of both, and a unit for each lot, since each may be a fill of its own, rounded up.
            assert bank.balances(harry) == {"USD": ("1000.000000", "501.001000", "498.999000")}
            sold = bank.signed(ivan, "POST", "/v1/order", {**buy, "side": "sell", "client_order_id": "i1"})
            assert bank.balances(harry)["USD"] == ("499.500000", "0.000000", "499.500000")
            assert bank.balances(ivan)["USD"][0] == "499.000000"
            path = f"/api/v1/movements?order=oldest&at_least={sold.json['sequence']}"
            rows = {
                key.account: [
                    (row["kind"], row["asset"], row["amount"], row["total"])
                    for row in bank.signed(key, "GET", path).json["movements"][1:]
                ]
                for key in (harry, ivan)
            }
            assert rows == {
                "harry": [
                    ("trade", "USD", "-500.000000", "500.000000"),
                    ("trade", "BTC", "1.00000000", "1.00000000"),
                    ("fee", "USD", "-0.500000", "499.500000"),
                ],
                "ivan": [
                    ("trade", "BTC", "-1.00000000", "1.00000000"),
                    ("trade", "USD", "500.000000", "500.000000"),
                    ("fee", "USD", "-1.000000", "499.000000"),
                ],
            }
            for key, fee in ((harry, "0.500000"), (ivan, "1.000000")):
                (one,) = bank.signed(key, "GET", "/v1/execution").json["executions"]
                assert (one["fee"], one["fee_asset"], one["price"]) == (fee, "USD", "500.00")
                (held,) = bank.signed(key, "GET", "/api/v1/positions").json["positions"]
                assert held["fees"] == [{"asset": "USD", "amount": fee}]
                assert (held["cost"], held["realised_profit"][0]) == (held["value"], "0")
        finally:
            done(SetFees(SYMBOL, []))
            done(SetFeeTiers([]))


def test_balances_and_movements_are_told_as_they_change(bank: MoneyVenue) -> None:
    """Two connections, one of which comes late and one that comes back: the same money, and what REST says."""
    dora, emil = (bank.key(name, "read", "trade") for name in ("dora", "emil"))
    bank.deposit("emil", "BTC", "2")
    held: dict[str, dict[str, str]] = {}

    def lay(said: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
        if said["type"] == "balances":
            if said["snapshot"]:
                held.clear()
            held.update({row["asset"]: row for row in said["balances"]})
        return {asset: (row["total"], row["held"], row["free"]) for asset, row in held.items()}

    async def follow() -> None:
        async with Stream(url(bank)) as stream, Stream(url(bank)) as back:
            await stream.login(dora)
            stream.say(op="subscribe", channels=["balances", "movements"], id=1)
            first = await stream.until(lambda said: said["type"] == "balances")
            assert (first["snapshot"], first["balances"]) == (True, [])
            begun = await stream.told(lambda said: said["type"] == "movements")
            await asyncio.to_thread(bank.deposit, "dora", "USD", "1000", transfer_id="in")
            order = {
                "symbol": SYMBOL,
                "side": "buy",
                "quantity": "1",
                "price": "300",
                "client_order_id": "d1",
            }
            await stream.until(
                lambda said: lay(said).get("USD") == ("1000.000000", "0.000000", "1000.000000")
            )
            assert (await asyncio.to_thread(bank.signed, dora, "POST", "/v1/order", order)).status == 200
            # What no report says: what the order holds.
            await stream.until(lambda said: lay(said)["USD"] == ("1000.000000", "300.000000", "700.000000"))
            sell = {**order, "side": "sell", "quantity": "0.4", "price": "299", "client_order_id": "e1"}
            assert (await asyncio.to_thread(bank.signed, emil, "POST", "/v1/order", sell)).status == 200
            traded = {
                "USD": ("880.000000", "180.000000", "700.000000"),
                "BTC": ("0.40000000", "0.00000000", "0.40000000"),
            }
            await stream.until(lambda said: lay(said) == traded)
            assert await asyncio.to_thread(bank.balances, dora) == traded
            moved = [said for said in stream.heard if said["type"] == "moved"]
            assert moved[0]["report_number"] >= begun["next_report"]
            rows = [row for said in moved for row in said["movements"]]
            assert [(row["kind"], row["amount"], row["total"]) for row in rows] == [
                ("deposit", "1000.000000", "1000.000000"),
                ("trade", "-120.000000", "880.000000"),
                ("trade", "0.40000000", "0.40000000"),
            ]
            path = f"/api/v1/movements?order=oldest&at_least={rows[-1]['sequence']}"
            assert (await asyncio.to_thread(bank.signed, dora, "GET", path)).json["movements"] == rows
            # Who comes back is told what it missed; who comes late has all that stands.
            await back.login(dora)
            after = moved[0]["report_number"]
            back.say(op="subscribe", channels=["movements", "balances"], after_report=after, id=2)
            assert (await back.until(lambda said: said["type"] == "moved"))["movements"] == rows[1:]
            late = await back.told(lambda said: said["type"] == "balances")
            assert late["snapshot"]
            assert lay(late) == traded
            bank_in = {"account": "dora", "asset": "USD", "amount": "0.000001"}
            assert (await asyncio.to_thread(bank.post, bank.ops, "admin/deposits", **bank_in)).status == 200
            for one in (stream, back):
                said = await one.until(lambda said: said["type"] == "balances")
                assert [(row["asset"], row["total"]) for row in said["balances"]] == [("USD", "880.000001")]
                assert not said["snapshot"]

    asyncio.run(follow())
    bank.signed(dora, "POST", "/v1/order/cancel_all", {})


def test_the_page_shows_what_there_is_and_says_what_is_missing(bank: MoneyVenue) -> None:
    """One account before the page, its counterparty over HTTP, and the operator at his desk."""
    frank, gerda = (bank.key(name, "read", "trade") for name in ("frank", "gerda"))
    desk = bank.key("ops", "read", "operator")
    bank.deposit("frank", "USD", "1000", transfer_id="f-in")
    bank.deposit("gerda", "BTC", "3")
    address = f"http://127.0.0.1:{bank.web_port}/"
    expect.set_options(timeout=WAIT_MS)
    with chromium() as browser, closing(Watched(browser, address)) as opened:
        page = opened.page

        def row(tab: str, *texts: str) -> None:
            rows = page.locator(f"#{tab} tbody tr")
            found = rows.filter(has_text=texts[0])
            for text in texts:
                expect(found.first).to_contain_text(text)

        expect(page.locator("#tab-balances")).to_be_hidden()
        paste(page, frank)
        expect(page.locator("[data-sum=free] dd")).to_have_text("1,000.00 USD")
        page.click("#tab-balances")
        row("balances", "USD", "1,000.00", "0.00")
        # One unit too much is said beside the field; a share of what is free is whole lots.
        page.fill("#ticket-price", "400")
        page.fill("#ticket-quantity", "2.501")
        expect(page.locator("[data-sum=hold] dd")).to_have_text("1,000.40 USD")
        page.click("#submit")
        expect(page.locator("#ticket-wrong")).to_contain_text(
            "this takes 1,000.40 USD, and 1,000.00 USD is free"
        )
        page.click(".shares [data-share='50']")
        expect(page.locator("#ticket-quantity")).to_have_value("1.250")
        page.click("#submit")
        row("balances", "USD", "1,000.00", "500.00")
        expect(page.locator("[data-sum=free] dd")).to_have_text("500.00 USD")
        sell = {"symbol": SYMBOL, "side": "sell", "quantity": "1", "price": "390"}
        assert bank.signed(gerda, "POST", "/v1/order", sell).status == 200
        row("balances", "USD", "600.00", "100.00", "500.00")
        row("balances", "BTC", "1.00")
        page.click("#tab-movements")
        row("movements", "Deposit", "+1,000.00", "f-in")
        row("movements", "Trade", SYMBOL)
        page.click("#tab-positions")
        row("positions", SYMBOL, "+1.00", "400.00")
        page.select_option("#ticket-type", "market")
        page.click("#submit")
        expect(page.locator("#ticket-wrong")).to_have_text("Say the worst price: what buys is backed by it.")
        assert poorly_shown(page) == []
        # The operator gives somebody else money, whom the page tells of it.
        with closing(Watched(browser, address)) as other:
            paste(other.page, desk)
            other.page.click("#desk-open")
            other.page.fill("#desk-holder", "frank")
            other.page.fill("#desk-amount", "12.5")
            other.page.select_option("#desk-asset", "USD")
            other.page.click("#desk-deposit")
            other.page.click("#ask-yes")
            expect(other.page.locator("#toasts")).to_contain_text("Deposit 12.5 USD")
            assert other.complaints == []
        expect(page.locator("#toasts")).to_contain_text("12.50 USD came in")
        expect(page.locator("[data-sum=free] dd")).to_have_text("512.50 USD")
        assert opened.complaints == []
    bank.signed(frank, "POST", "/v1/order/cancel_all", {})


def paste(page: Page, key: ApiKey) -> None:
    """Use a key on a page."""
    page.click("#account")
    page.fill("#key-id", json.dumps({"account": key.account, "key": key.key_id, "secret": key.secret}))
    page.click("#key-save")
    expect(page.locator("#account-text")).to_have_text(key.account)


def test_where_nobody_clears_there_is_no_money(venue: Venue) -> None:
    anna = venue.key("anna", "read", "trade", "withdraw")
    ops = venue.key("ops", "operator")
    assert why(venue.signed(anna, "GET", "/api/v1/balances")) == (404, "no_clearing", None)
    money = {"asset": "USD", "amount": "1"}
    for key, path, body in (
        (anna, "withdrawals", money),
        (anna, "transfers", {**money, "target": "anna.algo"}),
        (ops, "admin/deposits", {**money, "account": "anna"}),
        (ops, "admin/assets", {"asset": "USD", "decimals": 2}),
    ):
        said = venue.signed(key, "POST", f"/api/v1/{path}", body)
        assert why(said) == (404, "no_clearing", None), path
    assert venue.signed(ops, "GET", "/api/v1/admin/assets").status == 404
    assert why(venue.signed(anna, "GET", "/api/v1/movements")) == (404, "no_clearing", None)

    async def follow() -> None:
        async with Stream(url(venue)) as stream:
            await stream.login(anna)
            for channel in ("balances", "movements"):
                stream.say(op="subscribe", channels=["orders", channel], id=channel)
                said = await stream.until(lambda said: said["type"] == "error")
                assert (said["type"], said["reason"], said["field"]) == ("error", "no_clearing", "channels")

    asyncio.run(follow())
