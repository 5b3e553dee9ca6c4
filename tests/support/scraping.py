"""Reads the metrics of a process as a monitoring system does: over HTTP, through the parser of Prometheus' own library.

values = scrape(engine.ready()["metrics"])
values["matchbus_engine_log_sequence"], values['matchbus_engine_sessions{state="seated"}']
"""

import urllib.request
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from bus.metrics.metric import Metric

#: A page that takes longer than this does not come.
SCRAPE_S_MAX = 10.0


def scrape(url: str) -> dict[str, float]:
    """All samples of a page by name and labels."""
    with urllib.request.urlopen(url, timeout=SCRAPE_S_MAX) as answer:
        return samples(answer.read().decode())


def samples(text: str) -> dict[str, float]:
    """All samples of a text in Prometheus' format. Fails at one that is there twice."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = sample.name + _shown(sample.labels)
            assert name not in found, f"{name} is there twice"
            found[name] = sample.value
    return found


def kinds(text: str) -> dict[str, tuple[str, str]]:
    """`(kind, help)` of each metric of a text, by its name as it is written there."""
    told: dict[str, tuple[str, str]] = {}
    helps: dict[str, str] = {}
    for line in text.splitlines():
        words = line.split(" ", 3)
        if words[:2] == ["#", "HELP"]:
            helps[words[2]] = words[3]
        elif words[:2] == ["#", "TYPE"]:
            told[words[2]] = (words[3], helps[words[2]])
    return told


def defined(metrics: tuple[Metric, ...]) -> dict[str, tuple[str, str]]:
    """What `kinds` should find of these."""
    return {metric.name: (metric.kind, metric.help) for metric in metrics}


def _shown(labels: Mapping[str, str]) -> str:
    return (
        "{" + ",".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}" if labels else ""
    )
