"""What another hand's fuzzer makes of OpenAPI: requests good and bad to a whole venue, and nothing that it minds.

schemathesis is a process of its own here, as anybody would run it, with all of its checks. Nothing is excluded; what
the tests do differently from a stranger stands in `tests.support.schemathesis_signing`: they sign, which cannot be
drawn, and they mean an instrument that exists more often than by chance.
"""

import os
import subprocess
import sys

import pytest

from tests.support.processes import ROOT
from tests.support.venue import Venue

#: Of a stage of the run, not of a request.
HANGS_S = 600
THESE = ("post_v1_order", "get_v1_execution", "get_api_v1_orderbook_symbol")


def fuzz(venue: Venue, *words: str, **environment: str) -> str:
    """What schemathesis says of the venue. Fails when it finds something."""
    key = venue.key("alice", "read", "trade", "operator")
    with venue.client("bob") as bob:
        for side, price in (("sell", "30001"), ("buy", "29999"), ("buy", "30001")):
            bob.enter("BTC-USD", side, "1", price).result()
    ended = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "schemathesis.cli",
                "run",
                f"http://127.0.0.1:{venue.web_port}/openapi.json",
            ),
            *("--checks", "all", "--generation-deterministic", "--no-color"),
            # Signed they are when they are sent.
            *("--generation-with-security-parameters", "false"),
            # Which is how fast the machine is.
            *("--suppress-health-check", "all", "--request-timeout", "60"),
            *words,
        ],
        cwd=venue.data.parent,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.support.schemathesis_signing",
            "VENUE_KEY": key.key_id,
            "VENUE_SECRET": key.secret,
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=HANGS_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    # Others go on, and nobody reads of it in a log.
    assert venue.get("/ready").json["ready"]
    assert not [line for line in venue.web.errors if "Traceback" in line or "failed" in line]
    return ended.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("--phases", "examples,fuzzing", "--max-examples", "6"),
        # Of three operations, which stand for the others, all that can be told by their schemas.
        pytest.param(
            ("--phases", "coverage", "--include-operation-id-regex", f"^({'|'.join(THESE)})$"),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["everything", "limits"],
)
def test_a_small_run_finds_nothing(venue: Venue, words: tuple[str, ...]) -> None:
    assert " passed" in fuzz(venue, *words, VENUE_IMPATIENT="yes")


@pytest.mark.slow
def test_a_long_run_finds_nothing(venue: Venue) -> None:
    # One worker: with several, the compiler of CPython 3.11 gives way under the lambdas that hypothesis reads. And each
    # sequence that is not there would be waited for for two seconds, a thousand times.
    assert " passed" in fuzz(venue, "--max-examples", "200", VENUE_IMPATIENT="yes")
