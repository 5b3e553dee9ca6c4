"""Whether what is kept is of the engine's log, and up to where. Values in, values out.

A number says little: an engine that lost the end of its log gives the same numbers again, and another engine has
numbers of its own. So reports are compared, the one that is kept under a number with the one that the engine has there.
Logs that differ somewhere differ from there on, so a few looks find the place:

    kept      1 ........ m | m+1 ........ n         the last one is the same: all of it is (the usual case, one look)
    engine    1 ........ m | other reports ...      the first one is not: another log
                           ▲                        else: the end of what is kept never happened, from m+1 on
"""

from typing import final


@final
class Standing:
    """Finds the last number up to which both are the same. `kept`: the last number that is kept, at least 1.

    Ask about `question` and give what was found to `answer`, until `question` is None; then `same_up_to` is known.
    O(log numbers) questions.
    """

    def __init__(self, kept: int) -> None:
        self._same = 0  # the last number that is known to be the same
        self._differs = kept + 1  # the first number that is known to differ, or is not kept
        self.question: int | None = kept

    @property
    def same_up_to(self) -> int:
        """0: nothing is the same."""
        assert self.question is None, "there is a question left"
        return self._same

    def answer(self, *, same: bool) -> None:
        """Whether what is kept under the number in question is what the engine has there."""
        asked = self.question
        assert asked is not None, "nothing was asked"
        if same:
            self._same = asked
        else:
            self._differs = asked
        if self._same + 1 == self._differs:
            self.question = None
        elif self._same == 0:
            # The last one differs: the first one tells whether it is the same log at all.
            self.question = 1
        else:
            self.question = (self._same + self._differs) // 2
