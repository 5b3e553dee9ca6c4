"""How many logs the tests of the matcher draw, and which: always the same ones, and a failure is not shrunk.

So it is the same for everybody and takes no minutes. By hand, `MATCHBUS_WIDE=5000 pytest
tests/matcher` draws so many others, shrinks what fails, and walks from other seeds, which stand in the names of the
tests.
"""

import os
from random import Random

from hypothesis import HealthCheck, Phase, settings

WIDE = int(os.environ.get("MATCHBUS_WIDE", "0"))


def drawn(examples: int) -> settings:
    """Settings of a test that Hypothesis draws logs for."""
    if WIDE:
        return settings(
            max_examples=WIDE, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
        )
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


def seeds(count: int) -> range:
    """Of the walks."""
    if not WIDE:
        return range(count)
    first = Random().randrange(1_000_000)
    return range(first, first + max(count, WIDE // 20))
