"""Reports that wait for the user of a client, oldest first, bounded.

A user who does not read them (who looks at answers only) must not fill the memory: beyond the bound the oldest go, and
whoever reads then is told which numbers are missing (I5, I11).
"""

from collections import deque
from typing import Final

from bus.errors import ReportsLost
from bus.protocol.reports import Report
from bus.sockets.session.happenings import Reports

#: About 250 bytes each, so some tens of MB; more than a second of a very busy account.
REPORTS_WAITING_MAX: Final = 100_000


class ReportQueue:
    """See above. `next_report`: the number of the report that `take` gives next; 0 before there was one.

    Kept by a program, it is what its next life gives as `resume_from`.
    """

    def __init__(self, reports_max: int = REPORTS_WAITING_MAX) -> None:
        self.next_report = 0
        self._reports_max = reports_max
        self._waiting: deque[Reports | ReportsLost] = deque()
        self._count = 0
        self._current: list[Report] = []
        self._place = 0

    def __len__(self) -> int:
        """How many reports wait, losses not counted."""
        return self._count

    @property
    def stirring(self) -> bool:
        """Whether `take` would give a report or raise."""
        return self._count > 0 or bool(self._waiting)

    def begin(self, next_report: int) -> None:
        """It is known what the first report's number will be."""
        if not self.next_report:
            self.next_report = next_report

    def put(self, reports: Reports) -> None:
        """More reports. What is too much goes at the other end, whole envelopes at a time."""
        self._waiting.append(reports)
        self._count += len(reports.reports)
        first = following = 0
        while self._count > self._reports_max and len(self._waiting) > 1:
            oldest = self._waiting.popleft()
            if isinstance(oldest, ReportsLost):
                first, following = first or oldest.first_report, oldest.next_report
            else:
                self._count -= len(oldest.reports)
                first, following = first or oldest.first_report, oldest.first_report + len(oldest.reports)
        if first:
            text = f"reports {first} to {following - 1} were not read in time: {self._reports_max} are kept"
            self._waiting.appendleft(ReportsLost(text, first, following))

    def lose(self, lost: ReportsLost) -> None:
        """At this place of the stream reports are missing."""
        self._waiting.append(lost)

    def take(self) -> Report | None:
        """The next report, None when none waits. Raises ReportsLost once for each loss; then it goes on behind it."""
        while self._place == len(self._current):
            if not self._waiting:
                return None
            following = self._waiting.popleft()
            if isinstance(following, ReportsLost):
                self.next_report = following.next_report
                raise following
            self.next_report = following.first_report
            self._current = following.reports
            self._place = 0
        report = self._current[self._place]
        self._place += 1
        self._count -= 1
        self.next_report += 1
        return report
