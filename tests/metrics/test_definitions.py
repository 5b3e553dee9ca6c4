"""Every metric is named by Prometheus' rules and has a row in `docs/metrics.md` that says what it is.

Each check stands here twice: pointed at all definitions, where it must find nothing, and at a planted error.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from bus.metrics import of_engine
from bus.metrics.metric import COUNTER, GAUGE, HISTOGRAM, KINDS, Metric
from bus.metrics.page import OF_THE_LIBRARY
from bus.replication import metrics as shadow
from publisher import metrics as publisher
from publisher.oversight.history import metrics as history
from web import metrics as web

PAGE = (Path(__file__).parents[2] / "docs/metrics.md").read_text(encoding="utf-8")
#: What each process defines.
METRICS = {
    "engine": of_engine.METRICS,
    "shadow": shadow.METRICS,
    "publisher": publisher.METRICS,
    "history": history.METRICS,
    "web": web.METRICS,
}

#: What Prometheus calls base units, as far as something here has them; what is counted in pieces has no unit.
NO_UNITS = (
    "_ns",
    "_us",
    "_ms",
    "_minutes",
    "_kb",
    "_mb",
    "_kib",
    "_mib",
    "_percent",
    "_count",
    "_sum",
    "_bucket",
)


def badly_named(process: str, metrics: Sequence[Metric]) -> list[str]:
    """What breaks a rule of names, one line each."""
    found = []
    for metric in metrics:
        name = metric.name
        wrong = {
            "is no name": not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name),
            f"does not begin with matchbus_{process}_": not name.startswith(f"matchbus_{process}_"),
            "is of no kind": metric.kind not in KINDS,
            "a counter ends with _total, and nothing else does": (metric.kind == COUNTER)
            != name.endswith("_total"),
            "has a unit that is no base unit": name.removesuffix("_total").endswith(NO_UNITS),
            "has a help text of one sentence": not re.fullmatch(r"\S.*\.", metric.help),
            "a histogram has no labels": metric.kind == HISTOGRAM and bool(metric.labels),
            "is there twice": sum(other.name == name for other in metrics) > 1,
        }
        found += [f"{name}: {rule}" for rule, broken in wrong.items() if broken]
    return found


def row(metric: Metric) -> str:
    """The row of the page."""
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |"


def not_on_the_page(metrics: Sequence[Metric], page: str) -> list[str]:
    """Rows that are missing, or say something else; and rows of what there is not."""
    wanted = {metric.name: row(metric) for metric in metrics}
    there = {
        match.group(1): match.group(0)
        for match in re.finditer(r"^\| `(matchbus_\w+)` \|.*$", page, re.MULTILINE)
    }
    return [
        *(f"{name}: expected {line}" for name, line in wanted.items() if there.get(name) != line),
        *(f"{name} is no metric" for name in there if name not in wanted),
    ]


@pytest.mark.parametrize("process", METRICS)
def test_names_follow_the_rules(process: str) -> None:
    assert badly_named(process, METRICS[process]) == []


def test_a_bad_name_is_found() -> None:
    metrics = [
        Metric("matchbus_engine_queue_ms", GAUGE, "How long."),
        Metric("matchbus_shadow_done", COUNTER, "How many."),
        Metric("matchbus_engine__Done_total", GAUGE, "How many"),
        Metric("matchbus_engine_a", "summary", "A."),
        Metric("matchbus_engine_a", HISTOGRAM, "A.", ("b",)),
    ]
    assert badly_named("engine", metrics) == [
        "matchbus_engine_queue_ms: has a unit that is no base unit",
        "matchbus_shadow_done: does not begin with matchbus_engine_",
        "matchbus_shadow_done: a counter ends with _total, and nothing else does",
        "matchbus_engine__Done_total: is no name",
        "matchbus_engine__Done_total: a counter ends with _total, and nothing else does",
        "matchbus_engine__Done_total: has a help text of one sentence",
        "matchbus_engine_a: is of no kind",
        "matchbus_engine_a: is there twice",
        "matchbus_engine_a: a histogram has no labels",
        "matchbus_engine_a: is there twice",
    ]


def test_every_metric_has_its_row_and_every_row_its_metric() -> None:
    assert not_on_the_page([metric for metrics in METRICS.values() for metric in metrics], PAGE) == []
    assert [name for name in OF_THE_LIBRARY if f"| `{name}` |" not in PAGE] == []


def test_a_row_that_is_missing_wrong_or_too_many_is_found() -> None:
    metrics = [
        Metric("matchbus_engine_a", GAUGE, "A."),
        Metric("matchbus_engine_b", GAUGE, "B.", ("c", "d")),
        Metric("matchbus_engine_e", GAUGE, "E."),
    ]
    page = "\n".join(
        [
            "| `matchbus_engine_b` | gauge | `c` | B. |",
            "| `matchbus_engine_e` | gauge |  | E. |",
            "| `matchbus_f` | x | | |",
        ]
    )
    assert not_on_the_page(metrics, page) == [
        "matchbus_engine_a: expected | `matchbus_engine_a` | gauge |  | A. |",
        "matchbus_engine_b: expected | `matchbus_engine_b` | gauge | `c`, `d` | B. |",
        "matchbus_f is no metric",
    ]
