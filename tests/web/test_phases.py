"""Phases and auctions as an outsider meets them: an operator sets them, orders collect, one price is found and told."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.streaming import Stream, url
from tests.support.venue import ApiKey, Response, Venue

HOUR_MS = 3_600_000
PHASE = "/api/v1/admin/phase"
SYMBOL = "BTC-USD"


@pytest.fixture(scope="module")
def ops(venue: Venue) -> ApiKey:
    """An operator's key."""
    return venue.key("ops-1", "operator")


@pytest.fixture(scope="module")
def alice(venue: Venue) -> ApiKey:
    """A trader's key."""
    return venue.key("alice", "read", "trade")


@pytest.fixture(scope="module")
def bob(venue: Venue) -> ApiKey:
    """Another trader's."""
    return venue.key("bob", "read", "trade")


def set_phase(venue: Venue, ops: ApiKey, phase: str, **more: Any) -> Response:
    """An operator says the phase of the instrument."""
    return venue.signed(ops, "POST", PHASE, {"symbol": SYMBOL, "phase": phase, **more})


def enter(venue: Venue, key: ApiKey, side: str, **more: Any) -> Response:
    """An order of one, at 100 unless something else is said."""
    order = {"symbol": SYMBOL, "side": side, "quantity": "1", "price": "100", **more}
    return venue.signed(key, "POST", "/v1/order", order)


def logged(venue: Venue, kind: str) -> list[dict[str, Any]]:
    """What the log has of a kind."""
    lines = venue.processes.run("journal", "export", "--data", str(venue.data)).splitlines()
    return [entry for entry in map(json.loads, lines) if entry["type"] == kind]


def test_an_operator_sets_phases_under_its_own_name_with_a_reason(venue: Venue, ops: ApiKey) -> None:
    done = set_phase(venue, ops, "halted", duration_ms=3_600_000, next_phase="pre-open", why="news pending")
    assert done.status == 200, done.body
    assert done.json["operator"] == "ops-1"
    told = venue.signed(ops, "GET", PHASE).json["phases"]
    assert [(one["symbol"], one["phase"]) for one in told] == [(SYMBOL, "halted")]
    (entry,) = [one for one in logged(venue, "SetPhase") if one["sequence"] == done.json["sequence"]]
    assert (entry["account"], entry["phase"], entry["next_phase"], entry["why"]) == (
        "ops-1",
        "halted",
        "pre-open",
        "news pending",
    )
    lines = (venue.data / "web/audit.log").read_text(encoding="utf-8").splitlines()
    audited = [line for line in map(json.loads, lines) if line["event"] == "operated"][-1]
    assert (audited["account"], audited["by"], audited["path"], audited["status"]) == (
        "ops-1",
        ops.key_id,
        PHASE,
        200,
    )
    assert "news pending" in audited["body"]
    assert set_phase(venue, ops, "continuous").status == 200


def test_what_is_no_phase_changes_nothing_and_says_which_field(
    venue: Venue, ops: ApiKey, alice: ApiKey
) -> None:
    wrong: list[tuple[dict[str, Any], int, str, str]] = [
        ({"symbol": "NONE", "phase": "halted"}, 404, "unknown_symbol", "symbol"),
        ({"symbol": SYMBOL, "phase": "lunch"}, 400, "invalid_field", "phase"),
        ({"symbol": SYMBOL, "phase": "halted", "next_phase": "halted"}, 409, "invalid_phase", "phase"),
        ({"symbol": SYMBOL, "phase": "closed", "duration_ms": 5}, 409, "invalid_duration", "duration_ms"),
        ({"symbol": SYMBOL, "phase": "halted", "duration_ms": -1}, 400, "invalid_field", "duration_ms"),
        ({"symbol": SYMBOL, "phase": "halted", "why": "x" * 201}, 400, "invalid_field", "why"),
        ({"symbol": SYMBOL, "phase": "halted", "until": 1}, 400, "unknown_field", "until"),
    ]
    for body, status, reason, field in wrong:
        said = venue.signed(ops, "POST", PHASE, body)
        assert (said.status, said.json["reason"], said.json["field"]) == (status, reason, field), body
    for method in ("GET", "POST"):
        assert venue.signed(alice, method, PHASE, None if method == "GET" else {}).status == 403
    assert venue.signed(ops, "GET", PHASE).json["phases"][0]["phase"] == "continuous"


def test_an_auction_from_its_first_order_to_its_executions(
    venue: Venue, ops: ApiKey, alice: ApiKey, bob: ApiKey
) -> None:
    waits = enter(venue, alice, "buy", time_in_force="ATO", client_order_id="opening")
    assert (waits.json["status"], waits.json["time_in_force"]) == ("waiting", "ATO"), waits.body
    assert (
        enter(venue, alice, "buy", time_in_force="ATO", hidden=True).json["reason"] == "invalid_combination"
    )

    async def streaming() -> list[dict[str, Any]]:
        async with Stream(url(venue)) as stream:
            stream.say(op="subscribe", channels=["trades"], symbols=[SYMBOL], id=1)
            await stream.until(lambda said: said["type"] == "subscribed")
            await asyncio.to_thread(auction)
            await stream.until(lambda said: said["type"] == "trade")
            return stream.heard

    def auction() -> None:
        assert set_phase(venue, ops, "opening-auction").status == 200
        refused = enter(venue, bob, "sell", time_in_force="IOC")
        assert (refused.status, refused.json["reason"]) == (409, "not_in_phase")
        collects = enter(venue, bob, "sell", price="99", quantity="3", client_order_id="sells")
        assert (collects.json["status"], collects.json["filled_quantity"]) == ("open", "0.000")
        at_market = enter(venue, alice, "buy", type="market", price=None, time_in_force="GFA")
        assert (at_market.json["status"], at_market.json["type"]) == ("waiting", "market"), at_market.body
        assert set_phase(venue, ops, "continuous").status == 200

    heard = asyncio.run(streaming())
    trade = next(said for said in heard if said["type"] == "trade")
    assert (trade["price"], trade["quantity"], trade["taker_side"]) == ("99.00", "1.000", None)

    executed = until_rows(venue, bob, "/v1/execution", "executions", lambda rows: len(rows) == 2)
    assert [(row["liquidity"], row["price"], row["quantity"]) for row in executed] == [
        ("auction", "99.00", "1.000")
    ] * 2
    opening = venue.signed(alice, "GET", "/v1/order?client_order_id=opening").json
    assert (opening["status"], opening["time_in_force"], opening["executions"]) == ("filled", "ATO", 1)
    public = venue.until(
        lambda: venue.get(f"/api/v1/executions/{SYMBOL}"),
        lambda said: len(said.json.get("trades", [])) == 2,
    )
    assert [row["taker_side"] for row in public.json["trades"]] == [None, None]


def test_the_status_of_a_market_is_told_as_it_changes_and_to_who_comes_late(
    venue: Venue, ops: ApiKey, alice: ApiKey, bob: ApiKey
) -> None:
    def told(**fields: Any) -> Callable[[dict[str, Any]], bool]:
        return lambda said: said["type"] == "status" and all(said[name] == fields[name] for name in fields)

    async def streaming() -> None:
        async with Stream(url(venue)) as stream:
            stream.say(op="subscribe", channels=["status"], symbols=[SYMBOL], id=1)
            await stream.until(told(phase="continuous", indicative=None, phase_ends_ms=None))
            begun = await asyncio.to_thread(
                set_phase, venue, ops, "volatility-auction", duration_ms=3_600_000, random_ms=1_000
            )
            nothing = {"price": None, "quantity": "0.000", "imbalance": "0.000"}
            began = await stream.until(told(phase="volatility-auction", indicative=nothing))
            assert began["cause"] == "operator"
            # The command's own time is the auction's beginning.
            assert began["phase_ends_ms"] - begun.json["time_ms"] in (3_600_000, 3_600_001)
            await asyncio.to_thread(enter, venue, bob, "sell", price="98", quantity="3")
            await asyncio.to_thread(enter, venue, alice, "buy", price="102", quantity="2")
            would = {"price": "98.00", "quantity": "2.000", "imbalance": "-1.000"}
            running = await stream.until(told(indicative=would))
            async with Stream(url(venue)) as late:
                late.say(op="subscribe", channels=["status"], symbols=[SYMBOL], id=1)
                assert await late.until(lambda said: said["type"] == "status") == running
            said = await asyncio.to_thread(venue.get, f"/api/v1/symbols/{SYMBOL}")
            assert (said.json["phase"], said.json["indicative"]) == ("volatility-auction", would)
            assert said.json["phase_ends_ms"] == running["phase_ends_ms"]
            await asyncio.to_thread(set_phase, venue, ops, "halted")
            await stream.until(told(phase="halted", indicative=None, phase_ends_ms=None))
            await asyncio.to_thread(set_phase, venue, ops, "continuous")
            last = await stream.until(
                lambda said: told(phase="continuous")(said) and said["last_auction"]["price"] == "98.00"
            )
            assert (last["auction_price"], last["last_auction"]["quantity"]) == ("98.00", "2.000")
            assert last["last_auction"]["imbalance"] == "-1.000"

    asyncio.run(streaming())
    venue.signed(bob, "POST", "/v1/order/cancel_all", {})


def test_what_an_auction_leaves_of_an_order_for_it_ends(venue: Venue, ops: ApiKey, alice: ApiKey) -> None:
    enter(venue, alice, "buy", price="1", time_in_force="ATC", client_order_id="closing")
    told = venue.signed(alice, "GET", "/v1/order?client_order_id=closing")
    assert told.status == 404 or told.json["status"] == "waiting"
    for phase in ("closing-auction", "closed"):
        assert set_phase(venue, ops, phase).status == 200
    ended = venue.until(
        lambda: venue.signed(alice, "GET", "/v1/order?client_order_id=closing"),
        lambda said: said.json.get("status") == "cancelled",
    )
    assert ended.json["reason"] == "auction_over"
    shut = enter(venue, alice, "buy")
    assert (shut.status, shut.json["reason"], shut.json["field"]) == (409, "not_trading", "symbol")
    assert set_phase(venue, ops, "continuous").status == 200


def test_accounts_and_the_market_are_stopped_and_go_on(
    venue: Venue, ops: ApiKey, alice: ApiKey, bob: ApiKey
) -> None:
    def said(name: str, **body: Any) -> Response:
        return venue.signed(ops, "POST", f"/api/v1/admin/{name}", body)

    def known(name: str) -> Any:
        return venue.signed(ops, "GET", f"/api/v1/admin/{name}").json

    assert enter(venue, alice, "buy", price="1", client_order_id="resting").json["status"] == "open"
    assert said("kill_switch", account="alice", on=True, why="runs wild").status == 200
    ended = venue.until(
        lambda: venue.signed(alice, "GET", "/v1/order?client_order_id=resting"),
        lambda answer: answer.json.get("status") == "cancelled",
    )
    assert ended.json["reason"] == "kill_switch"
    stopped = enter(venue, alice, "buy", price="1")
    assert (stopped.status, stopped.json["reason"]) == (403, "account_stopped")
    assert said("limits", account="bob", open_orders=100).status == 200
    assert known("kill_switch") == {"accounts": ["alice"]}
    assert said("limits", account="bob").status == 200
    assert said("kill_switch", account="alice", on=False).status == 200
    assert known("kill_switch") == {"accounts": []}
    assert enter(venue, alice, "buy", price="1").status == 200

    assert said("emergency", on=True, cancel_orders=True).status == 200
    shut = enter(venue, bob, "buy", price="1")
    assert (shut.status, shut.json["reason"]) == (409, "market_stopped")
    assert venue.signed(ops, "GET", PHASE).json["phases"][0]["phase"] == "halted"
    assert said("emergency", on=False).status == 200
    assert enter(venue, bob, "buy", price="1").status == 200

    bands = {"static_basis_points": 1_000, "reference_price": "100", "auction_ms": 60_000, "rebalance": True}
    assert said("protection", symbol=SYMBOL, **bands).status == 200
    (band,) = venue.signed(ops, "GET", "/api/v1/admin/protection").json["protections"]
    assert (band["symbol"], band["static_low"], band["static_high"], band["reference_price"]) == (
        *(SYMBOL, "90.00", "110.00", "100.00"),
    )
    assert (band["static_basis_points"], band["dynamic_basis_points"], band["rebalance"]) == (1_000, 0, True)
    told = venue.until(
        lambda: venue.get(f"/api/v1/symbols/{SYMBOL}"), lambda answer: answer.json["bands"] is not None
    )
    assert told.json["bands"] == {
        "static_basis_points": 1_000,
        "static_low": "90.00",
        "static_high": "110.00",
        "dynamic_basis_points": 0,
    }
    assert said("protection", symbol=SYMBOL).status == 200
    assert venue.signed(ops, "GET", "/api/v1/admin/protection").json == {"protections": []}

    assert said("limits", account="bob", symbol=SYMBOL, order_quantity="2", open_orders=1).status == 200
    for order in ({"price": "1"}, {"price": "1", "quantity": "2.001"}):
        limited = enter(venue, bob, "buy", **order)
        assert (limited.status, limited.json["reason"].endswith("_limit")) == (403, True)
    assert said("limits", account="bob", day_notional="1000", commands_per_s=1_000).status == 200
    none = {
        "order_quantity": "0",
        "order_notional": "0",
        "day_quantity": "0",
        "rejects": 0,
        "rejects_window_ms": 0,
    }
    of_all, of_one = sorted(known("limits")["limits"], key=lambda one: one["symbol"] or "")
    assert of_all == {
        **none,
        "account": "bob",
        "symbol": None,
        "open_orders": 0,
        "day_notional": "1000",
        "commands_per_s": 1_000,
        "traded_quantity": of_all["traded_quantity"],
        "traded_notional": of_all["traded_notional"],
    }
    assert (of_one["account"], of_one["symbol"], of_one["open_orders"]) == ("bob", SYMBOL, 1)
    assert (of_one["order_quantity"], of_one["order_notional"]) == ("2.000", "0.00000")
    assert said("limits", account="bob").status == 200
    assert said("limits", account="bob", symbol=SYMBOL).status == 200
    assert known("limits") == {"limits": []}
    assert said("risk", account="bob", symbol=SYMBOL, long="2", position="-1", why="margin").status == 200
    limited = enter(venue, bob, "buy", price="1", quantity="3.001")
    assert (limited.status, limited.json["reason"]) == (403, "position_limit")
    (risk,) = known("risk")["accounts"]
    ((of_one,), (held,)) = risk["limits"], risk["positions"]
    assert (risk["account"], of_one["symbol"], of_one["long"], of_one["reduce_only"]) == (
        *("bob", SYMBOL, "2.000", False),
    )
    assert (held["symbol"], held["position"], held["day_result"]) == (SYMBOL, "-1.000", "0.00000")
    assert said("risk", account="bob", symbol=SYMBOL).status == 200
    assert said("risk", account="bob", commands_per_fill=1000, commands_from=1000).status == 200
    ((of_all,),) = [one["limits"] for one in known("risk")["accounts"]]
    assert (of_all["symbol"], of_all["open_now"], of_all["commands"]) == (None, of_all["open_now"], 0)
    assert said("risk", account="bob").status == 200
    assert known("risk") == {"accounts": [], "groups": []}
    assert [entry["why"] for entry in logged(venue, "SetRisk")][:2] == ["margin", ""]
    assert (
        said("breakers", levels=[{"basis_points": 700, "halt_ms": 60_000}], auction_ms=60_000).status == 200
    )
    breakers = {"symbol": None, "levels": [{"basis_points": 700, "halt_ms": 60_000}], "auction_ms": 60_000}
    assert known("breakers") == {**breakers, "random_ms": 0, "tripped": 0}
    assert said("breakers", levels=[]).status == 200
    assert known("breakers")["levels"] == []
    assert [entry["why"] for entry in logged(venue, "SetKillSwitch")] == ["runs wild", ""]

    hours = [{"at": "00:00", "phase": "continuous"}]
    week = [{"weekdays": "mon-sun", "hours": hours}]
    assert said("schedule", symbol=SYMBOL, zone="Europe/Berlin", days=week, why="always").status == 200
    assert [entry["zone"] for entry in logged(venue, "SetSchedule")] == ["Europe/Berlin"]
    told = known(f"schedule?symbol={SYMBOL}")
    assert (told["zone"], told["holidays"]) == ("Europe/Berlin", [])
    assert told["days"] == [{"weekdays": "mon-sun", "hours": [{**hours[0], "random_ms": 0}]}]
    assert [row["phase"] for row in told["next"]] == ["continuous"] * len(told["next"])
    first, second = told["next"][:2]
    assert second["time_ms"] - first["time_ms"] in (23 * HOUR_MS, 24 * HOUR_MS, 25 * HOUR_MS)
    assert said("schedule", symbol=SYMBOL).status == 200
    empty: dict[str, Any] = {"sequence": None, "zone": "", "days": [], "holidays": [], "next": []}
    assert known(f"schedule?symbol={SYMBOL}") == {"symbol": SYMBOL, **empty}
    unknown = venue.signed(ops, "GET", "/api/v1/admin/schedule?symbol=NONE")
    assert (unknown.status, unknown.json["reason"]) == (404, "unknown_symbol")

    # What cannot be is refused by its field, and changes nothing.
    wrong: list[tuple[str, dict[str, Any], int, str]] = [
        ("kill_switch", {"account": "no such name!", "on": True}, 400, "account"),
        ("kill_switch", {"account": "alice"}, 400, "on"),
        ("protection", {"symbol": SYMBOL, "static_basis_points": 5}, 409, "static_basis_points"),
        ("protection", {"symbol": SYMBOL, "reference_price": "0.001"}, 409, "reference_price"),
        ("protection", {"symbol": "NONE"}, 404, "symbol"),
        ("schedule", {"symbol": SYMBOL, "zone": "Mars/Olympus", "days": week}, 409, "zone"),
        ("schedule", {"symbol": SYMBOL, "zone": "UTC", "days": week * 2}, 409, "days"),
        (
            "schedule",
            {"symbol": SYMBOL, "zone": "UTC", "days": [{"weekdays": "x", "hours": []}]},
            409,
            "days",
        ),
        ("breakers", {"levels": [{"basis_points": 700, "halt_ms": 1}] * 2, "auction_ms": 1}, 409, "levels"),
        ("breakers", {"levels": [{"basis_points": 10_000, "halt_ms": 1}]}, 400, "levels[0].basis_points"),
        ("limits", {"account": "bob", "symbol": SYMBOL, "order_quantity": "0.0005"}, 409, "order_quantity"),
        ("limits", {"account": "bob", "day_quantity": "0.5"}, 409, "day_quantity"),
        ("limits", {"account": "bob", "day_notional": "9" * 30}, 409, "day_notional"),
        ("limits", {"account": "bob", "symbol": "NONE", "open_orders": 1}, 404, "symbol"),
        ("group_risk", {"group": "nobody", "long": "5"}, 409, "group"),
        ("group_risk", {"group": "nobody", "symbol": SYMBOL, "day_quantity": "0.0005"}, 409, "day_quantity"),
        ("group_risk", {"group": "no such name!"}, 400, "group"),
        ("group_kill_switch", {"group": "nobody", "on": True}, 409, "group"),
        ("risk", {"account": "bob", "symbol": SYMBOL, "long": "0.0005"}, 409, "long"),
        ("risk", {"account": "bob", "symbol": SYMBOL, "position": "0.0005"}, 409, "position"),
        ("risk", {"account": "bob", "symbol": SYMBOL, "day_loss": str(2**63)}, 409, "day_loss"),
        ("risk", {"account": "bob", "long": "-1"}, 400, "long"),
        ("risk", {"account": "bob", "collar_basis_points": 10_000}, 400, "collar_basis_points"),
        ("risk", {"account": "bob", "loss_stops": True}, 409, "day_loss"),
        ("risk", {"account": "bob", "symbol": "NONE", "reduce_only": True}, 404, "symbol"),
    ]
    for name, body, status, field in wrong:
        refused = said(name, **body)
        assert (refused.status, refused.json["field"]) == (status, field), (name, body, refused.body)
    for key in (alice, bob):
        venue.signed(key, "POST", "/v1/order/cancel_all", {})


def until_rows(
    venue: Venue, key: ApiKey, path: str, name: str, holds: Callable[[list[dict[str, Any]]], bool]
) -> list[dict[str, Any]]:
    """The rows of a list, once something holds of them."""
    said = venue.until(
        lambda: venue.signed(key, "GET", path), lambda said: said.status == 200 and holds(said.json[name])
    )
    rows: list[dict[str, Any]] = said.json[name]
    return rows


def test_a_command_of_an_operator_that_is_sent_again_is_carried_out_again(venue: Venue, ops: ApiKey) -> None:
    """docs/api.md says what that comes to: an auction has its whole time again, and goes on to collect."""

    def again(name: str, body: dict[str, Any]) -> list[int]:
        answers = [venue.signed(ops, "POST", f"/api/v1/admin/{name}?time_ns=true", body) for _ in range(2)]
        assert [answer.status for answer in answers] == [200, 200]
        sequences = [answer.json["sequence"] for answer in answers]
        assert sequences[0] < sequences[1], "each is a command of its own"
        return [int(answer.json["time_ns"]) for answer in answers]

    times = again("phase", {"symbol": SYMBOL, "phase": "volatility-auction", "duration_ms": 60_000})
    (phase,) = [one for one in venue.signed(ops, "GET", PHASE).json["phases"] if one["symbol"] == SYMBOL]
    ends_ms = -(-times[1] // 1_000_000) + 60_000
    assert (phase["phase"], phase["phase_ends_ms"]) == ("volatility-auction", ends_ms)
    again("phase", {"symbol": SYMBOL, "phase": "continuous"})

    hours = [{"weekdays": "mon-sun", "hours": [{"at": "00:00", "phase": "continuous"}]}]
    again("schedule", {"symbol": SYMBOL, "zone": "UTC", "days": hours})
    again("schedule", {"symbol": SYMBOL})
    again("kill_switch", {"account": "nobody", "on": True})
    again("kill_switch", {"account": "nobody", "on": False})
