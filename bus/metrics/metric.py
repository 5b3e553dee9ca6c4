"""A metric: its name, its kind, what it means; and a reading of it.

Names are Prometheus' own: `matchbus_<process>_<what>_<unit>`, base units (seconds, bytes), `_total` at the end of a
counter. A process defines its metrics as constants and gives readings of them whenever it is asked.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec import Struct

from bus.metrics.powers import Powers

COUNTER: Final = "counter"  # only rises, until the process starts anew
GAUGE: Final = "gauge"  # goes up and down
HISTOGRAM: Final = "histogram"  # how often which size came
KINDS: Final = (COUNTER, GAUGE, HISTOGRAM)

Number = int | float
#: One number; or one for each tuple of values of the metric's labels, in their order; or the counts of a histogram.
Value = Number | Mapping[tuple[str, ...], Number] | Powers


class Metric(Struct, frozen=True):
    """A definition. `labels`: names of what tells several numbers of one metric apart."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()


Reading = tuple[Metric, Value]
#: Called in the thread of the metrics while the process works: reads plain attributes, changes nothing.
Read = Callable[[], Iterable[Reading]]
