"""docs/api.md: what it shows is sent to a real exchange, and what is answered must be what it says."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.support.venue import ApiKey, Venue

PAGE: Final = (Path(__file__).parents[2] / "docs/api.md").read_text(encoding="utf-8")
EXAMPLE: Final = re.compile(r"```http (\w+)\n(\w+) (\S+)\n(.*?)```\n.*?```json\n(.*?)```", re.DOTALL)
#: What is shown at a venue that clears.
MONEY: Final = PAGE[PAGE.index("\n## Money\n") : PAGE.index("\n## Errors\n")]
#: What is another one at each run; that it is there, and a number or a text, is compared.
OF_THE_RUN: Final = frozenset(
    {
        "next_report",
        "movement_number",
        "order_id",
        "sequence",
        "report_number",
        "time_ms",
        "entered_ms",
        "updated_ms",
        "ended_ms",
        "day_ms",
        "traded_ms",
        "request_id",
        "phase_ends_ms",
    }
)


def comparable(value: Any) -> Any:
    """A JSON value without what no two runs have in common."""
    if isinstance(value, dict):
        return {
            name: type(inner).__name__ if name in OF_THE_RUN else comparable(inner)
            for name, inner in value.items()
        }
    return [comparable(inner) for inner in value] if isinstance(value, list) else value


def run(venue: Venue, keys: Mapping[str, ApiKey], text: str) -> None:
    """Every example of a text, in its order, is answered as it says."""
    # The function of the page, as a reader would copy it.
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    page: dict[str, Any] = {}
    exec(compile(script, "docs/api.md", "exec"), page)  # noqa: S102  # a page of this repository
    examples = EXAMPLE.findall(text)
    assert len(examples) == text.count("```http") == text.count("```json") > 0
    sequence = 0
    for account, method, path, body, wanted in examples:
        key = keys[account]
        # The sequences of this run are others than those of the page.
        asked = re.sub(r"at_least=\d+", f"at_least={sequence}", path)
        content = json.loads(body) if body else None
        status, said = page["send"](
            "127.0.0.1", venue.web_port, key.key_id, key.secret, method, asked, content
        )
        sequence = said.get("sequence", sequence)
        assert comparable(said) == comparable(json.loads(wanted)), (method, path, said)
        assert (status == 200) == ("code" not in said)
