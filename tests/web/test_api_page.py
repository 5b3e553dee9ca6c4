"""docs/api.md: what it shows is sent to a real exchange, and answered as it says."""

import json
import re
from pathlib import Path
from typing import Any

from tests.support.venue import Venue
from web.application import ROUTES
from web.schemas.orders import NewOrder

PAGE = (Path(__file__).parents[2] / "docs/api.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"```http (\w+)\n(\w+) (\S+)\n(.*?)```\n.*?```json\n(.*?)```", re.DOTALL)
#: What is another one at each run; that it is there, and a number or a text, is compared.
OF_THE_RUN = frozenset(
    {
        "order_id",
        "sequence",
        "report_number",
        "time_ms",
        "entered_ms",
        "updated_ms",
        "ended_ms",
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


def test_every_example_is_answered_as_the_page_says(venue: Venue) -> None:
    # The function of the page, as a reader would copy it.
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    page: dict[str, Any] = {}
    exec(compile(script, "docs/api.md", "exec"), page)  # noqa: S102  # a page of this repository
    keys = {account: venue.key(account, "read", "trade") for account in ("alice", "bob")}
    keys["ops"] = venue.key("ops", "operator")
    examples = EXAMPLE.findall(PAGE)
    assert len(examples) == PAGE.count("```http") == PAGE.count("```json")
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
        assert comparable(said) == comparable(json.loads(wanted)), (method, path)
        assert status == (409 if "code" in said else 200)


def test_every_path_and_every_field_of_an_order_is_on_the_page() -> None:
    named = [
        f"{route.method} {route.path}"
        for route in ROUTES
        if route.path.startswith(("/v1/", "/api/v1/admin/"))
    ]
    assert [name for name in named if not re.search(rf"{name}\b(?!/)", PAGE)] == []
    assert [name for name in NewOrder.__struct_fields__ if f"`{name}`" not in PAGE] == []
