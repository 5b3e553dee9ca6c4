"""What an instance of the web tells of itself, scraped while it is asked."""

import asyncio
from pathlib import Path
from urllib.request import urlopen

from tests.support.processes import Processes
from tests.support.scraping import SCRAPE_S_MAX, defined, kinds, samples, scrape
from tests.support.streaming import Stream
from tests.support.venue import Venue
from web.metrics import METRICS


def test_requests_are_counted_by_route_and_status(venue: Venue) -> None:
    url = f"http://127.0.0.1:{venue.port_base + 45}/metrics"
    before = scrape(url)
    for _ in range(3):
        assert venue.get("/api/v1/symbols/BTC-USD").status == 200
    assert venue.request("HEAD", "/api/v1/symbols/BTC-USD").status == 200
    assert venue.get("/api/v1/symbols/NONE").status == 404
    assert venue.get("/api/v1/symbols/BTC-USD?fields=none").status == 400
    for number in range(5):
        assert venue.get(f"/nothing/{number}").status == 404
    assert venue.request("POST", "/api/v1/symbols/BTC-USD").status == 405
    etag = venue.get("/openapi.json").headers["etag"]
    assert venue.get("/openapi.json", {"If-None-Match": etag}).status == 304
    asyncio.run(_connect(f"ws://127.0.0.1:{venue.web_port}/ws"))
    after = scrape(url)

    def by(name: str) -> float:
        return after[f"matchbus_web_{name}"] - before.get(f"matchbus_web_{name}", 0)

    def answered(path: str, status: int, method: str = "GET") -> float:
        return by(f'requests_total{{method="{method}",path="{path}",status="{status}"}}')

    assert [answered("/api/v1/symbols/{symbol}", status) for status in (200, 404, 400)] == [4, 1, 1]
    assert (answered("none", 404, "none"), answered("none", 405, "none")) == (5, 1)
    assert [answered("/openapi.json", status) for status in (200, 304)] == [1, 1]
    assert answered("/ws", 101) == 1
    assert by("request_seconds_count") == 15
    assert by('answering_seconds_total{method="GET",path="/api/v1/symbols/{symbol}"}') > 0
    assert by("request_seconds_sum") >= by(
        'answering_seconds_total{method="GET",path="/api/v1/symbols/{symbol}"}'
    )
    assert by("accepted_connections_total") == 15
    assert after['matchbus_web_ended_connections_total{why="unread"}'] == 0
    assert not [name for name in after if "BTC-USD" in name]
    with urlopen(url, timeout=SCRAPE_S_MAX) as answer:
        page = kinds(answer.read().decode())
    assert {name: what for name, what in page.items() if name.startswith("matchbus_")} == defined(METRICS)


def test_an_operator_reads_them_at_the_web_itself(venue: Venue) -> None:
    told = venue.signed(venue.key("ops", "operator"), "GET", "/metrics")
    assert told.status == 200
    assert samples(told.body.decode())['matchbus_web_connections{state="working"}'] >= 1
    refused = venue.signed(venue.key("alice", "read", "trade"), "GET", "/metrics")
    assert (refused.status, refused.json["reason"]) == (403, "scope_missing")
    assert venue.get("/metrics").json["reason"] == "key_needed"


def test_a_further_instance_tells_its_own_and_may_tell_nothing(processes: Processes, tmp_path: Path) -> None:
    processes.engine(tmp_path)
    words = processes.exchange("web", "--data", str(tmp_path))
    port = processes.port_base + 31  # its metrics are 15 higher, and 50 higher begins who is next
    facts = processes.start(*words, "--port", str(port)).ready()
    assert facts["metrics"] == f"http://127.0.0.1:{port + 15}/metrics"
    assert scrape(facts["metrics"])['matchbus_web_connections{state="waiting"}'] == 0
    assert processes.start(*words, "--port", "0").ready()["metrics"].startswith("http://127.0.0.1:")
    silent = processes.start(*words, MATCHBUS_METRICS_ENABLED="false").ready()
    assert silent["metrics"] == "off"


async def _connect(url: str) -> None:
    async with Stream(url):
        pass
