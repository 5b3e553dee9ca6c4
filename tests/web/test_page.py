"""The trading page in a real browser, against a real venue: what somebody who sits before it does and sees."""

import json
import re
import signal
from collections.abc import Iterator
from functools import partial

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

from bus.protocol.reasons import ACCOUNT_STOPPED
from bus.protocol.reports import Rejected
from tests.support.browser import WAIT_MS, Watched, chromium
from tests.support.contrast import poorly_shown
from tests.support.venue import ApiKey, Venue

pytestmark = pytest.mark.usefixtures("_patient")


@pytest.fixture(scope="module")
def _patient() -> None:
    expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    """A venue with two instruments, of which one has traded at 100."""
    with Venue(tmp_path_factory.mktemp("venue")) as running:
        running.define("BTC-USD", "ETH-USD")
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the file."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def alice(venue: Venue) -> ApiKey:
    """A key of somebody who trades."""
    return venue.key("alice", "read", "trade")


@pytest.fixture(scope="module")
def opened(venue: Venue, browser: Browser, alice: ApiKey) -> Iterator[Watched]:
    """A page of the venue with a key."""
    page = Watched(browser, url(venue))
    try:
        log_in(page.page, alice)
        yield page
    finally:
        page.close()


@pytest.fixture
def page(opened: Watched) -> Iterator[Page]:
    """The page, loaded anew and connected; a tab keeps its key over that. It ends without complaints."""
    opened.page.goto(opened.url)
    expect(opened.page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(opened.page.locator("#submit")).to_have_text("Buy BTC")
    yield opened.page
    assert opened.complaints == []


def url(venue: Venue) -> str:
    """Where the page is."""
    return f"http://127.0.0.1:{venue.web_port}/"


def log_in(page: Page, key: ApiKey) -> None:
    """Paste a key as `demo-keys.json` has it."""
    page.click("#account")
    page.fill("#key-id", json.dumps({"account": key.account, "key": key.key_id, "secret": key.secret}))
    page.click("#key-save")
    expect(page.locator("#key-dialog")).to_be_hidden()
    expect(page.locator("#account-text")).to_have_text(key.account)


def enter(page: Page, side: str, quantity: str, price: str) -> None:
    """Send a limit order through the form."""
    page.click(f".sides [data-side={side}]")
    page.fill("#ticket-price", price)
    page.fill("#ticket-quantity", quantity)
    page.click("#submit")


def level(page: Page, side: str, price: str) -> Locator:
    """The row of a price in the ladder."""
    return page.locator(
        f"#{side} .level", has=page.locator(".price", has_text=re.compile(f"^{re.escape(price)}$"))
    )


def test_an_order_goes_from_the_form_to_the_ladder_to_its_fill_and_to_its_end(
    venue: Venue, page: Page, opened: Watched
) -> None:
    opened.until(lambda: "orders" in opened.heard)
    enter(page, "buy", "1", "99")
    mine = level(page, "bids", "99.00")
    expect(mine).to_contain_text("1.000")
    expect(mine).to_have_class(re.compile("own"))
    rows = page.locator("#open tbody tr")
    expect(rows).to_have_count(1)
    # Nobody has money here, and nothing is said of any.
    for hidden in ("#tab-balances", "#tab-positions", "#tab-movements", "[data-sum=free]", ".shares"):
        expect(page.locator(hidden)).to_be_hidden()
    opened.until(lambda: "report" in opened.heard)

    with venue.client("bob") as bob:
        bob.enter("BTC-USD", "sell", "0.4", "99").result()
        expect(page.locator("#tape .level").first).to_have_text(re.compile(r"^99\.000\.400"))
        expect(page.locator("#tape .level").first).to_have_class(re.compile("sell"))
        expect(page.locator("#legend")).to_contain_text("C 99.00")
        expect(page.locator("#last")).to_have_text("99.00")
        expect(mine).to_contain_text("0.600")
        expect(rows).to_contain_text("40%")

        bob.enter("BTC-USD", "sell", "1", "101").result()
        page.click(".sides [data-side=buy]")
        page.select_option("#ticket-type", "market")
        page.fill("#ticket-quantity", "0.2")
        expect(page.locator("[data-sum=value] dd")).to_have_text("≈ 20.2 USD")
        page.click("#submit")
        expect(page.locator("#legend")).to_contain_text("C 101.00")
        expect(page.locator("#mid")).to_have_class("up")
        bob.mass_cancel().result()

    page.click("#tab-fills")
    fills = page.locator("#fills tbody tr")
    expect(fills).to_have_count(2)
    expect(fills.nth(0)).to_contain_text("taker")
    expect(fills.nth(1)).to_contain_text("maker")
    expect(fills.nth(1)).to_contain_text("0.400")

    page.click("#tab-open")
    rows.locator("button", has_text="Cancel").click()
    expect(rows).to_have_count(0)
    expect(mine).to_have_count(0)
    page.click("#tab-past")
    expect(page.locator("#past tbody tr").nth(1)).to_contain_text("cancelled: by request")


def test_what_the_engine_would_refuse_is_said_beside_the_field_and_not_sent(page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    for quantity, price, problem in (
        ("1", "99.001", "Prices are multiples of 0.01."),
        ("0.0001", "99", "Quantities are multiples of 0.001."),
        ("", "99", "Say a quantity."),
        ("1", "", "Say a price."),
    ):
        enter(page, "buy", quantity, price)
        expect(page.locator("#ticket-wrong")).to_have_text(problem)
    page.fill("#ticket-price", "99")
    page.select_option("#ticket-force", "GTD")
    page.fill("#ticket-expires", "2001-01-01T10:00")
    expect(page.locator("#ticket-wrong")).to_have_text("That time is over.")
    assert sent == []


def test_what_only_the_engine_can_know_is_told(venue: Venue, page: Page) -> None:
    with venue.client("bob") as bob:
        bob.enter("BTC-USD", "sell", "1", "101").result()
        expect(level(page, "asks", "101.00")).to_have_count(1)
        page.click("#ticket-more summary")
        page.select_option("#ticket-post", "only")
        enter(page, "buy", "1", "101")
        expect(page.locator("#toasts")).to_contain_text("A post-only order would trade at once")
        bob.mass_cancel().result()


def test_a_click_in_the_ladder_takes_its_price(venue: Venue, page: Page) -> None:
    with venue.client("bob") as bob:
        bob.enter("BTC-USD", "sell", "1", "107").result()
        level(page, "asks", "107.00").click()
        expect(page.locator("#ticket-price")).to_have_value("107.00")
        page.keyboard.press("ArrowUp")
        expect(page.locator("#ticket-quantity")).to_have_value("0.001")
        page.focus("#ticket-price")
        page.keyboard.press("Shift+ArrowDown")
        expect(page.locator("#ticket-price")).to_have_value("106.90")
        bob.mass_cancel().result()


def test_an_alert_is_set_comes_true_once_and_is_told(venue: Venue, page: Page) -> None:
    rows = page.locator("#alerts tbody tr")
    page.click("#tab-alerts")
    page.fill("#alert-threshold", "0.001")
    page.press("#alert-threshold", "Enter")
    expect(page.locator("#alert-wrong")).to_have_text("A multiple of 0.01, above 0.")
    for condition, threshold in (("price-above", "103"), ("move-down", "50")):
        page.select_option("#alert-condition", condition)
        page.fill("#alert-threshold", threshold)
        page.press("#alert-threshold", "Enter")
        expect(page.locator("#alert-threshold")).to_have_value("")
    expect(rows).to_have_count(2)
    moved = rows.filter(has_text="Moves down by 50% within 1 min")
    expect(moved).to_contain_text("watching")
    moved.get_by_role("button").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Price rises to 103")
    with venue.client("bob") as bob, venue.client("carol") as carol:
        bob.enter("BTC-USD", "sell", "1", "103").result()
        carol.enter("BTC-USD", "buy", "1", "103").result()
    # Only the stream tells the value.
    expect(page.locator("#toasts")).to_contain_text("Price rises to 103.00, and is 103.00")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("fired at")


def test_text_can_be_read_wherever_it_stands_in_both_themes(venue: Venue, page: Page) -> None:
    with venue.client("bob") as bob:
        bob.enter("BTC-USD", "buy", "1", "96").result()
        bob.enter("BTC-USD", "sell", "1", "104").result()
        enter(page, "buy", "1", "97")
        expect(page.locator("#open tbody tr")).to_have_count(1)
        expect(level(page, "bids", "97.00")).to_have_class(re.compile("own"))
        for _ in ("as it is", "in the other theme"):
            for opens in ("#tab-open", "#tab-fills", "#tab-past", "#tab-alerts", "#help", "#account"):
                page.click(opens)
                assert poorly_shown(page) == []
                page.keyboard.press("Escape")
            page.click("#theme")
        bob.mass_cancel().result()
    page.click("#tab-open")
    page.locator("#open tbody button").click()
    expect(page.locator("#open tbody tr")).to_have_count(0)


class Tampering:
    """Between the page and the stream: it tells no candles, and changes what is told of a book when it is asked to."""

    def __init__(self) -> None:
        self.changes: list[str] = []

    def between(self, page_side: WebSocketRoute) -> None:
        """Of a connection that the page opens."""
        server_side = page_side.connect_to_server()
        server_side.on_message(lambda text: self._tell(page_side, str(text)))

    def _tell(self, page_side: WebSocketRoute, text: str) -> None:
        said = json.loads(text)
        if said["type"] == "kline":
            return
        if self.changes and said["type"] == "book" and said["event"] == "update" and said["bids"]:
            if self.changes.pop() == "lose":
                return
            said["bids"][0][1] = "5.000"
            text = json.dumps(said)
        page_side.send(text)


def test_a_book_that_lost_something_or_was_told_wrong_is_asked_for_again(
    venue: Venue, browser: Browser
) -> None:
    with venue.client("bob") as bob, venue.client("carol") as carol:
        bob.enter("BTC-USD", "buy", "1", "90").result()
        carol.enter("BTC-USD", "sell", "1", "90").result()
    candles = partial(venue.get, "/api/v1/klines/BTC-USD/1d")
    venue.until(candles, lambda answer: bool(answer.json["klines"]))
    tampering = Tampering()
    opened = Watched(browser, url(venue), route=("/ws", tampering.between))
    with venue.client("bob") as bob:
        page = opened.page
        bob.enter("BTC-USD", "buy", "1", "99").result()
        expect(level(page, "bids", "99.00")).to_contain_text("1.000")
        tampering.changes.append("lose")
        bob.enter("BTC-USD", "buy", "1", "98.50").result()
        # The next change does not follow what the page has: so it asks.
        opened.until(lambda: not tampering.changes)
        bob.enter("BTC-USD", "buy", "1", "98").result()
        expect(level(page, "bids", "98.50")).to_contain_text("1.000")
        tampering.changes.append("change")
        bob.enter("BTC-USD", "buy", "1", "97.50").result()
        expect(level(page, "bids", "97.50")).to_contain_text("1.000")
        assert tampering.changes == []

        # A candle that will not end meanwhile: it moves with its trades, before anybody tells it.
        page.keyboard.press("7")
        expect(page.locator("#legend")).to_contain_text("C ")
        with venue.client("carol") as carol:
            carol.enter("BTC-USD", "sell", "2", "98.50").result()
        expect(page.locator("#legend")).to_contain_text("C 98.50")
        bob.mass_cancel().result()
    assert opened.complaints == []
    opened.close()


def test_every_type_of_order_can_be_sent_and_all_are_cancelled_at_once(venue: Venue, page: Page) -> None:
    with venue.client("bob") as bob:
        bob.enter("BTC-USD", "buy", "1", "95").result()
        bob.enter("BTC-USD", "sell", "1", "105").result()
    kinds = {
        "stop": {"trigger": "150"},
        "stop-limit": {"trigger": "150", "price": "151"},
        "take-profit": {"trigger": "50"},
        "take-profit-limit": {"trigger": "50", "price": "49"},
        "trailing-stop": {"trail": "150"},
        "pegged": {"protection": "96"},
        "limit": {"price": "90"},
    }
    rows = page.locator("#open tbody tr")
    for count, (kind, fields) in enumerate(kinds.items(), 1):
        page.select_option("#ticket-type", kind)
        for name, value in fields.items():
            page.fill(f"#ticket-{name}", value)
        page.fill("#ticket-quantity", "0.1")
        page.click("#submit")
        expect(rows).to_have_count(count)
    types = page.locator("#open tbody td[data-label=Type]").all_inner_texts()
    assert types == [
        "Limit", "Pegged", "Trailing stop", "Take profit limit", "Take profit", "Stop limit", "Stop",
    ]  # fmt: skip
    page.locator("body").click(position={"x": 1, "y": 1})
    page.keyboard.press("x")
    page.click("#ask-yes")
    expect(page.locator("#open .empty")).to_have_text("No open orders.")
    with venue.client("bob") as bob:
        bob.mass_cancel().result()


def test_the_book_is_put_together_in_steps(venue: Venue, page: Page) -> None:
    with venue.client("bob") as bob:
        for price in ("99.99", "99.95", "99.89"):
            bob.enter("BTC-USD", "buy", "1", price).result()
        expect(level(page, "bids", "99.89")).to_contain_text("3.000")
        page.select_option("#step", "10")
        expect(level(page, "bids", "99.90")).to_contain_text("2.0002.000")
        expect(level(page, "bids", "99.80")).to_contain_text("1.0003.000")
        bob.mass_cancel().result()


def test_a_keyboard_is_enough(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("eth")
    page.keyboard.press("Enter")
    expect(page.locator("#pair-name")).to_have_text("ETH-USD")
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(page.locator(".sides [data-side=sell]")).to_have_attribute("aria-checked", "true")
    page.keyboard.press("3")
    expect(page.locator("#intervals [aria-checked=true]")).to_have_text("15m")
    page.keyboard.press("d")
    expect(page.locator("#depth-canvas")).to_be_visible()
    page.keyboard.press("p")
    page.keyboard.type("42.5")
    page.keyboard.press("Escape")
    page.keyboard.press("q")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    expect(page.locator("#open tbody tr")).to_contain_text("42.50")
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    expect(page.locator("#open .empty")).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("#help-dialog")).to_be_visible()


def test_a_key_that_is_none_is_refused_in_the_dialog(venue: Venue, browser: Browser, alice: ApiKey) -> None:
    stranger = Watched(browser, url(venue))
    try:
        page = stranger.page
        page.click("#account")
        page.fill("#key-id", alice.key_id)
        page.fill("#key-secret", "0" * 64)
        page.click("#key-save")
        expect(page.locator("#key-wrong")).to_contain_text("signature")
        assert page.evaluate("sessionStorage.length") == 0
        assert stranger.complaints == []
    finally:
        stranger.close()


def test_an_auction_is_shown_from_its_call_to_its_prints(venue: Venue, page: Page, opened: Watched) -> None:
    ops = venue.key("ops", "operator")

    def set_phase(phase: str, **more: object) -> None:
        said = venue.signed(ops, "POST", "/api/v1/admin/phase", {"symbol": "ETH-USD", "phase": phase, **more})
        assert said.status == 200, said.body

    page.goto(f"{opened.url}#ETH-USD")
    page.reload()
    expect(page.locator("#pair-name")).to_have_text("ETH-USD")
    expect(page.locator("#phase")).to_be_hidden()
    set_phase("opening-auction", duration_ms=3_600_000, random_ms=1_000)
    expect(page.locator("#phase-name")).to_have_text("Opening auction")
    expect(page.locator("#phase-ends")).to_have_text(re.compile(r"^(1:00:00|59:\d\d)$"))
    expect(page.locator("#auction-price")).to_have_text("none yet")
    expect(page.locator("#ticket-phase")).to_contain_text("orders collect")
    assert poorly_shown(page) == []
    # What would trade at once is not sent; what is for the auction alone is.
    page.select_option("#ticket-force", "IOC")
    enter(page, "buy", "2", "102")
    expect(page.locator("#ticket-wrong")).to_contain_text("nothing trades at once")
    page.select_option("#ticket-force", "ATO")
    page.click("#submit")
    expect(page.locator("#open tbody tr")).to_have_count(1)
    with venue.client("bob") as bob:
        bob.enter("ETH-USD", "sell", "3", "98").result()
        expect(page.locator("#auction-price")).to_have_text("98.00")
        expect(page.locator("#auction-quantity")).to_contain_text("2 ")
        expect(page.locator("#auction-side")).to_have_text("Sellers offer more")
        expect(page.locator("#auction-imbalance")).to_contain_text("1 ")
        expect(page.locator("#spread-text")).to_contain_text("crossed")
        set_phase("continuous")
        expect(page.locator("#phase")).to_be_hidden()
        expect(page.locator("#auction")).to_be_hidden()
        expect(page.locator("#tape .level.auctioned")).to_have_count(1)
        expect(page.locator("#toasts")).to_contain_text("Opening auction ended")
        set_phase("halted")
        expect(page.locator("#phase-name")).to_have_text("Halted")
        page.select_option("#ticket-force", "GTC")
        enter(page, "buy", "1", "90")
        expect(page.locator("#ticket-wrong")).to_have_text("Halted: only cancels are taken.")
        expect(page.locator('#market-list [data-symbol="ETH-USD"]')).to_have_attribute("data-kind", "shut")
        assert poorly_shown(page) == []
        set_phase("continuous")
        expect(page.locator("#phase")).to_be_hidden()
        bob.mass_cancel().result()


def test_an_operators_key_opens_the_desk(venue: Venue, browser: Browser, page: Page) -> None:
    expect(page.locator("#desk-open")).to_be_hidden()  # who trades is no operator
    operator = Watched(browser, f"{url(venue)}#ETH-USD")
    try:
        desk = operator.page
        log_in(desk, venue.key("ops", "read", "operator"))
        desk.click("#desk-open")
        desk.fill("#desk-why", "a test")
        desk.select_option("#desk-phase", "halted")
        desk.fill("#desk-minutes", "90")
        assert poorly_shown(desk) == []
        desk.click("#desk-set")
        desk.click("#ask-yes")
        expect(desk.locator("#phase-name")).to_have_text("Halted")
        expect(desk.locator("#phase-ends")).to_have_text(re.compile(r"^1:(30:00|29:\d\d)$"))
        desk.select_option("#desk-phase", "continuous")
        desk.click("#desk-set")
        desk.click("#ask-yes")
        expect(desk.locator("#phase")).to_be_hidden()
        desk.fill("#desk-account", "mallory")
        desk.click("#desk-stop")
        desk.click("#ask-yes")
        expect(desk.locator("#toasts")).to_contain_text("Stop mallory")
        desk.click("#desk-emergency")
        desk.click("#ask-dialog [value=no]")
        desk.fill("#desk-account", "no such name!")
        desk.click("#desk-release")
        desk.click("#ask-yes")
        expect(desk.locator("#desk-wrong")).not_to_be_empty()
        assert operator.complaints == []
    finally:
        operator.close()
    with venue.client("mallory") as mallory:
        refused = mallory.enter("ETH-USD", "buy", "1", "90").result()
        assert isinstance(refused, Rejected)
        assert refused.reason == ACCOUNT_STOPPED


def test_on_a_phone_one_view_is_seen_at_a_time_and_nothing_is_wider_than_it(
    venue: Venue, browser: Browser, alice: ApiKey
) -> None:
    phone = Watched(browser, url(venue), 390, 844, "light")
    try:
        page = phone.page
        expect(page.locator("html")).to_have_attribute("data-theme", "light")
        log_in(page, alice)
        for view, seen in (
            ("book", "#ladder"),
            ("tape", "#tape"),
            ("ticket", "#submit"),
            ("mine", "#open"),
            ("chart", "#candles"),
        ):
            page.click(f"[data-show={view}]")
            expect(page.locator(seen)).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") == 390
        expect(page.locator("#submit")).to_be_hidden()
        assert phone.complaints == []
    finally:
        phone.close()


def test_it_comes_back_by_itself_when_the_engine_and_the_web_were_away(
    venue: Venue, page: Page, alice: ApiKey
) -> None:
    enter(page, "buy", "1", "98")
    expect(level(page, "bids", "98.00")).to_contain_text("1.000")
    venue.engine.kill()
    venue.engine = venue.processes.engine(venue.data)
    # The web finds the engine again by itself; whoever sends before that is told so.
    cancelled = partial(venue.signed, alice, "POST", "/v1/order/cancel_all", {"symbol": "ETH-USD"})
    venue.until(cancelled, lambda answer: answer.status == 200)
    enter(page, "buy", "1", "97")
    expect(level(page, "bids", "97.00")).to_contain_text("1.000")
    expect(page.locator("#open tbody tr")).to_have_count(2)
    page.locator("#open tbody button").first.click()
    expect(page.locator("#open tbody tr")).to_have_count(1)

    venue.web.signal(signal.SIGKILL)
    expect(page.locator("#connection")).to_have_attribute("data-state", re.compile("lost|connecting"))
    with venue.client("bob") as bob:
        bob.enter("BTC-USD", "sell", "0.5", "98").result()
        venue.web = venue.start_web()
        venue.web.ready()
        expect(page.locator("#connection")).to_have_attribute("data-state", "live")
        expect(level(page, "bids", "98.00")).to_contain_text("0.500")
        expect(page.locator("#tape .level").first).to_have_text(re.compile(r"^98\.000\.500"))
        expect(page.locator("#open tbody tr")).to_contain_text("50%")
        # And it goes on hearing what happens from here on.
        bob.enter("BTC-USD", "sell", "0.2", "98").result()
        expect(level(page, "bids", "98.00")).to_contain_text("0.300")
    page.locator("#open tbody button").click()
    expect(page.locator("#open tbody tr")).to_have_count(0)


def test_the_theme_and_the_key_outlive_a_reload_and_the_key_is_forgotten_on_request(page: Page) -> None:
    page.click("#theme")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    expect(page.locator("#account-text")).to_have_text("alice")
    page.click("#account")
    page.click("#key-forget")
    expect(page.locator("#account-text")).to_have_text("Connect key")
    assert page.evaluate("sessionStorage.length") == 0
