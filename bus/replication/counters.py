"""What a shadow has done and how far it is behind, in numbers: for its status and its metrics."""


class Counters:
    """Since the shadow was started. Written by `shadow` alone."""

    def __init__(self) -> None:
        self.followed_commands = 0
        self.lag_commands = 0
        self.lag_bytes = 0  # as of the last second
        self.checkpoints_written = 0
        self.comparisons = 0
        self.walks = 0
        self.replays_served = 0
        self.beginnings = 0  # anew, because the log was another one
