"""Alerts over HTTP: watched for by every publisher, said in decimals, and nobody's but the account's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any, get_args

import pytest

from bus.protocol.market.requests import Alert
from bus.protocol.market.streams import AlertFired
from bus.sockets.market import questions
from bus.sockets.market.market_client import MarketClient
from bus.sockets.market.market_reader import MarketReader
from bus.sockets.market.market_sockets import PublisherAddress, publisher_at
from bus.sockets.market.stream_items import Published
from bus.sockets.session.prices import Scale
from publisher.alerts.definition import CONDITIONS, PARAMETERS, AlertDefinition
from publisher.alerts.symbol_alerts import WINDOWS_MAX
from tests.support.processes import Process
from tests.support.venue import ApiKey, Response, Venue
from web.alert_ids import AlertIds
from web.alerts import alert_fired
from web.rest.alerts import ALERTS_PER_ACCOUNT_MAX
from web.schemas import alerts as schema

SYMBOL, OTHER = "BTC-USD", "ETH-USD"
PATH = "/api/v1/alerts"


class TwoPublishers(Venue):
    """A venue whose web knows two publishers."""

    def start_web(self, *more: str) -> Process:
        """And the second publisher, at the ports + 19 to + 21."""
        self.start_second()
        return super().start_web("--publisher", f"127.0.0.1:{self.port_base + 20}", *more)

    def start_second(self) -> None:
        """It has a store of its own."""
        words = ("--at", str(self.port_base + 19), "--store", f"sqlite:///{self.data}/second.db")
        self.second = self.processes.start(
            *self.processes.exchange("publisher", "--data", str(self.data), *words)
        )
        self.second.ready()

    @property
    def publishers(self) -> list[PublisherAddress]:
        """Where they are."""
        at = f"tcp://127.0.0.1:{self.port_base + 19}", f"tcp://127.0.0.1:{self.port_base + 20}"
        return [publisher_at(self.port_base), PublisherAddress(*at)]

    def told(self) -> list[list[Alert]]:
        """The alerts of each publisher, as it says them itself."""
        with MarketClient(self.publishers) as client:
            said = client.ask_each(questions.alerts())
        return [one.answer.alerts for one in said]  # type: ignore[union-attr]  # both are there

    def cross(self, price: str) -> None:
        """A trade at this price."""
        with self.client("maker") as maker:
            maker.enter(SYMBOL, "sell", "1", price).result()
            maker.enter(SYMBOL, "buy", "1", price).result()


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoPublishers]:
    """Two instruments, known to both publishers."""
    folder = tmp_path_factory.mktemp("venue")
    with TwoPublishers(folder, MATCHBUS_WEB_ANSWER_TIMEOUT_MS="1000") as running:
        running.define(SYMBOL, OTHER)
        running.until(
            lambda: running.get("/ready"),
            lambda answer: [part["health"] for part in answer.json["parts"]] == ["ok"] * 4,
        )
        with MarketClient(running.publishers[1:]) as client:
            running.until(
                lambda: running.get("/ready"),
                lambda _: len(client.ask(questions.symbols()).answer.symbols) == 2,
            )
        yield running


@pytest.fixture(scope="module")
def alice(venue: TwoPublishers) -> ApiKey:
    return venue.key("alice", "read")


@pytest.fixture(scope="module")
def bob(venue: TwoPublishers) -> ApiKey:
    return venue.key("bob", "read")


@pytest.fixture(autouse=True)
def nothing_is_left(venue: TwoPublishers, alice: ApiKey, bob: ApiKey) -> Iterator[None]:
    yield
    for key in (alice, bob):
        for alert in listed(venue, key):
            assert venue.signed(key, "DELETE", f"{PATH}/{alert['alert_id']}").status == 200


def listed(venue: TwoPublishers, key: ApiKey, query: str = "") -> list[Any]:
    answer = venue.signed(key, "GET", PATH + query)
    assert answer.status == 200, answer.body
    alerts: list[Any] = answer.json["alerts"]
    return alerts


def wish(name: str = "up", **fields: Any) -> dict[str, Any]:
    return {
        "alert_id": name,
        "symbol": SYMBOL,
        "condition": "price-above",
        "threshold": "30000.5",
        **fields,
    }


def armed(venue: TwoPublishers, key: ApiKey, body: dict[str, Any]) -> Any:
    answer = venue.signed(key, "POST", PATH, body)
    assert answer.status == 200, answer.body
    return answer.json


def reason(answer: Response) -> tuple[int, str, str | None]:
    return answer.status, answer.json["reason"], answer.json["field"]


def test_an_alert_is_watched_for_by_all_and_listed(venue: TwoPublishers, alice: ApiKey) -> None:
    said = armed(venue, alice, wish())
    assert said == {
        "alert_id": "up",
        "symbol": SYMBOL,
        "condition": "price-above",
        "threshold": "30000.50",
        "repeating": False,
        "hysteresis": "0.00",
        "armed": False,
        "fired": 0,
        "watched_by": 2,
        "publishers": 2,
    }
    assert listed(venue, alice) == [said]
    assert listed(venue, alice, f"?symbol={SYMBOL}") == [said]
    assert listed(venue, alice, f"?symbol={OTHER}") == []
    assert [[one.parameters for one in alerts] for alerts in venue.told()] == [[[3_000_050]]] * 2


def test_an_alert_is_nobodys_but_its_accounts(venue: TwoPublishers, alice: ApiKey, bob: ApiKey) -> None:
    of_alice, of_bob = armed(venue, alice, wish()), armed(venue, bob, wish(threshold="40000"))
    assert (listed(venue, alice), listed(venue, bob)) == ([of_alice], [of_bob])
    ids = [one.alert_id for one in venue.told()[0]]
    assert len(set(ids)) == 2
    assert [len(one) for one in ids] == [24, 24]  # 16 bytes and two letters: nothing of the account
    armed(venue, alice, wish("mine"))
    assert reason(venue.signed(bob, "DELETE", f"{PATH}/mine")) == (404, "not_found", "alert_id")
    assert len(listed(venue, alice)) == 2


def test_who_may_not_read_has_no_alerts(venue: TwoPublishers) -> None:
    trader = venue.key("alice", "trade")
    for method, path, body in (("POST", PATH, wish()), ("GET", PATH, None), ("DELETE", f"{PATH}/up", None)):
        assert venue.signed(trader, method, path, body).status == 403
        headers = {"Content-Type": "application/json"}
        assert venue.request(method, path, None if body is None else b"{}", headers).status == 401


def test_an_alert_that_fires_is_known_again_by_its_id(venue: TwoPublishers, alice: ApiKey) -> None:
    venue.cross("100.01")
    armed(venue, alice, wish("rise", threshold="100.05"))
    armed(venue, alice, wish("fall", condition="price-below", threshold="50", repeating=True))
    ids = AlertIds(venue.token)
    with MarketReader([f"alert.{SYMBOL}."], venue.publishers) as reader:
        venue.cross("123.45")
        fired = next(
            event
            for item in reader.items(30.0)
            if isinstance(item, Published)
            for event in item.events
            if isinstance(event, AlertFired)
        )
    assert ids.open("bob", SYMBOL, fired.alert_id) is None
    assert ids.open("alice", OTHER, fired.alert_id) is None
    name = ids.open("alice", SYMBOL, fired.alert_id)
    assert name == "rise"
    with venue.client("reader") as client:
        scale: Scale = client.scale(SYMBOL)
    said = alert_fired(scale, name, fired)
    assert (said.symbol, said.condition, said.value, said.threshold) == (
        *(SYMBOL, "price-above"),
        *("123.45", "100.05"),
    )
    left = venue.until(
        lambda: venue.signed(alice, "GET", PATH),
        lambda answer: all(
            one["alert_id"] == "fall" and one["watched_by"] == 2 for one in answer.json["alerts"]
        ),
    )
    assert [(one["armed"], one["repeating"]) for one in left.json["alerts"]] == [(True, True)]


@pytest.mark.parametrize(
    ("fields", "parameters", "hysteresis"),
    [
        ({"condition": "price-below", "threshold": "0.01", "hysteresis": "0.01"}, [1], 1),
        ({"condition": "price-crossing", "threshold": "20", "hysteresis": "1.50"}, [2_000], 150),
        ({"condition": "move-up", "threshold": "1.5", "window_s": 60}, [15_000, 60], 0),
        (
            {"condition": "move-down", "threshold": "0.0001", "window_s": 43_200, "hysteresis": "0.0001"},
            [1, 43_200],
            1,
        ),
        ({"condition": "move-either", "threshold": "250", "window_s": 300}, [2_500_000, 300], 0),
        (
            {"condition": "volume-spike", "threshold": "300.0", "window_s": 900, "windows": 20},
            [300, 900, 20],
            0,
        ),
        ({"condition": "spread-ticks", "threshold": "0.25"}, [25], 0),
        ({"condition": "spread-basis-points", "threshold": "12", "hysteresis": "3"}, [12], 3),
    ],
)
def test_each_condition_has_its_unit(
    venue: TwoPublishers, alice: ApiKey, fields: dict[str, Any], parameters: list[int], hysteresis: int
) -> None:
    said = armed(venue, alice, wish("one", **fields))
    for alerts in venue.told():
        (told,) = alerts
        assert (told.condition, told.parameters, told.hysteresis) == (
            *(fields["condition"], parameters),
            hysteresis,
        )
    for name, value in fields.items():
        if name in ("threshold", "hysteresis"):
            assert float(said[name]) == float(value)
        else:
            assert said[name] == value
    assert {"window_s", "windows"} & set(said) == {"window_s", "windows"} & set(fields)


@pytest.mark.parametrize(
    ("fields", "status", "why", "field"),
    [
        ({"symbol": "NONE"}, 404, "unknown_symbol", "symbol"),
        ({"threshold": "0"}, 409, "invalid_field", "threshold"),
        ({"threshold": "0.001"}, 409, "invalid_field", "threshold"),
        ({"threshold": "-1"}, 400, "invalid_field", "threshold"),
        ({"threshold": 1}, 400, "invalid_field", "threshold"),
        ({"threshold": "9" * 64}, 409, "invalid_field", "threshold"),
        ({"hysteresis": "30000.51"}, 409, "invalid_field", "hysteresis"),
        ({"condition": "price"}, 400, "invalid_field", "condition"),
        ({"condition": "move-up"}, 409, "missing_field", "window_s"),
        ({"condition": "move-up", "window_s": 61}, 400, "invalid_field", "window_s"),
        ({"condition": "move-up", "window_s": 60, "windows": 5}, 409, "invalid_field", "windows"),
        (
            {"condition": "move-up", "window_s": 60, "threshold": "0.00001"},
            *(409, "invalid_field", "threshold"),
        ),
        (
            {"condition": "volume-spike", "threshold": "200", "window_s": 60},
            *(409, "missing_field", "windows"),
        ),
        ({"condition": "volume-spike", "window_s": 60, "windows": 6}, 400, "invalid_field", "windows"),
        (
            {"condition": "volume-spike", "threshold": "1.5", "window_s": 60, "windows": 5},
            *(409, "invalid_field", "threshold"),
        ),
        (
            {"condition": "volume-spike", "threshold": "200", "window_s": 43_200, "windows": 5},
            *(409, "invalid_field", None),
        ),
        ({"window_s": 60}, 409, "invalid_field", "window_s"),
        ({"alert_id": ""}, 400, "invalid_field", "alert_id"),
        ({"alert_id": "x" * 33}, 400, "invalid_field", "alert_id"),
        ({"alert_id": "a/b"}, 400, "invalid_field", "alert_id"),
        ({"volume": "1"}, 400, "unknown_field", "volume"),
    ],
)
def test_what_can_be_no_alert_is_refused_by_name(
    venue: TwoPublishers, alice: ApiKey, fields: dict[str, Any], status: int, why: str, field: str | None
) -> None:
    assert reason(venue.signed(alice, "POST", PATH, wish(**fields))) == (status, why, field)
    assert venue.told() == [[], []]


def test_the_same_name_again_replaces_also_at_another_symbol(venue: TwoPublishers, alice: ApiKey) -> None:
    armed(venue, alice, wish())
    armed(venue, alice, wish(threshold="31000"))
    assert [one["threshold"] for one in listed(venue, alice)] == ["31000.00"]
    armed(venue, alice, wish(symbol=OTHER))
    assert [(one["symbol"], one["threshold"]) for one in listed(venue, alice)] == [(OTHER, "30000.50")]
    assert [len(alerts) for alerts in venue.told()] == [1, 1]
    gone = venue.signed(alice, "DELETE", f"{PATH}/up")
    assert (gone.status, gone.json["alert_id"], gone.json["symbol"]) == (200, "up", OTHER)
    assert venue.told() == [[], []]
    assert reason(venue.signed(alice, "DELETE", f"{PATH}/up")) == (404, "not_found", "alert_id")
    assert reason(venue.signed(alice, "GET", f"{PATH}?symbol=NONE")) == (404, "unknown_symbol", "symbol")


def test_an_account_has_only_so_many(venue: TwoPublishers, alice: ApiKey, bob: ApiKey) -> None:
    names = [f"{number:032}" for number in range(ALERTS_PER_ACCOUNT_MAX)]
    with ThreadPoolExecutor(25) as many:
        list(many.map(lambda name: armed(venue, alice, wish(name)), names))
        assert [one["alert_id"] for one in listed(venue, alice)] == names
        assert reason(venue.signed(alice, "POST", PATH, wish("more"))) == (409, "invalid_field", "alert_id")
        armed(venue, alice, wish(names[0], threshold="1"))  # not one more
        armed(venue, alice, wish("there", symbol=OTHER))
        armed(venue, bob, wish("more"))
        gone = many.map(lambda name: venue.signed(alice, "DELETE", f"{PATH}/{name}").body, names)
        assert [one for one in gone if b"reason" in one] == []


def test_where_a_publisher_is_missing_it_is_said(venue: TwoPublishers, alice: ApiKey) -> None:
    venue.second.close()
    said = armed(venue, alice, wish())
    assert (said["watched_by"], said["publishers"]) == (1, 2)
    answer = venue.signed(alice, "DELETE", f"{PATH}/up")
    assert (answer.status, answer.json["reason"]) == (503, "unknown")
    venue.start_second()
    with MarketClient(venue.publishers[1:]) as client:
        venue.until(
            lambda: venue.get("/ready"), lambda _: len(client.ask(questions.symbols()).answer.symbols) == 2
        )
    assert armed(venue, alice, wish())["watched_by"] == 2


def test_the_conditions_are_those_of_publishers() -> None:
    assert set(get_args(schema.Condition)) == set(CONDITIONS)


def test_no_account_takes_the_windows_from_others() -> None:
    groups = set()
    windows = get_args(schema.WindowSeconds)
    for (kind, _), condition in ((CONDITIONS[name], name) for name in CONDITIONS):
        for window_s, count in product(windows, get_args(schema.Windows)):
            parameters = [1, window_s, count][: len(PARAMETERS[kind])]
            if len(parameters) > 1 and not AlertDefinition("a", SYMBOL, condition, parameters).refusal():
                groups.add((kind, *parameters))
    assert 0 < len(groups) <= WINDOWS_MAX


def test_what_is_no_id_of_ours_is_nobodys() -> None:
    ids = AlertIds("token")
    for alert_id in ("", "a", "not base64!", "\u03bb", "A" * 22, "A" * 64):
        assert ids.open("alice", SYMBOL, alert_id) is None
    sealed = ids.seal("alice", SYMBOL, "x" * 32)
    assert len(sealed) == 64
    assert ids.open("alice", SYMBOL, sealed) == "x" * 32
    assert AlertIds("another").open("alice", SYMBOL, sealed) is None
