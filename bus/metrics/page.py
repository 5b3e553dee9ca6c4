"""Readings to text: what Prometheus reads, in the format that it asks for.

What the Python client library knows of any process (memory, CPU time, file descriptors, garbage collection) is on the
page as well, under that library's names.
"""

from collections.abc import Iterator
from math import isinf
from typing import Final

import prometheus_client
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from bus.metrics.metric import COUNTER, HISTOGRAM, Metric, Read, Value
from bus.metrics.powers import Powers

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily

#: What the client library tells of every process, so that `docs/metrics.md` has a row for each.
OF_THE_LIBRARY: Final = (
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
    "python_gc_collections_total",
    "python_gc_objects_collected_total",
    "python_gc_objects_uncollectable_total",
)
#: A dictionary that grows while it is walked over, or two facts of different moments, are rare twice in a row.
_TRIES: Final = 3


class Page:
    """Everything that a process tells. Rendered anew each time, in the calling thread.

    `read` sees the process at work. When it fails it is called again; what fails each time is a bug, and raised.
    """

    def __init__(self, read: Read) -> None:
        self._registry = prometheus_client.CollectorRegistry()
        self._registry.register(_Readings(read))
        prometheus_client.ProcessCollector(registry=self._registry)
        prometheus_client.GCCollector(registry=self._registry)

    def render(self, accept: str) -> tuple[bytes, str]:
        """`(text, content type)` for what a client's Accept header says."""
        encode, content_type = choose_encoder(accept)
        for _ in range(_TRIES - 1):
            try:
                return encode(self._registry), content_type
            except Exception:  # what is read changed while it was: whatever came of that, it is read anew
                continue
        return encode(self._registry), content_type


class _Readings(Collector):
    """Asked by the library for each rendering."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def collect(self) -> Iterator[Family]:
        for metric, value in self._read():
            yield _family(metric, value)


def _family(metric: Metric, value: Value) -> Family:
    if metric.kind == HISTOGRAM:
        assert isinstance(value, Powers), "a histogram is read as counts"
        histogram = HistogramMetricFamily(metric.name, metric.help)
        buckets = [("+Inf" if isinf(bound) else repr(bound), count) for bound, count in value.buckets()]
        histogram.add_metric([], buckets, value.sum / value.unit)
        return histogram
    assert not isinstance(value, Powers), "only a histogram is read as counts"
    kind = CounterMetricFamily if metric.kind == COUNTER else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=metric.labels)
    if isinstance(value, int | float):
        family.add_metric((), value)
    else:
        for labels, number in value.items():
            family.add_metric(labels, number)
    return family
