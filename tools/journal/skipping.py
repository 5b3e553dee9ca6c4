"""`matchbus journal skip`: the operator's decision to pass over the command that breaks the engine (I12).

The one verb of this folder that writes, and only for the very command at which a replay of the log breaks: anything
else would rewrite history.
"""

from contextlib import closing

from bus.config import Config
from bus.errors import ConfigError, LogBreaksEngine
from bus.journal.directory import DataDirectory
from bus.journal.disk import Disk
from bus.journal.journal import Journal
from bus.journal.skips import add_skip
from tools.engine import recover_engine


def skip_command(data_dir: str, sequence: int, why: str) -> None:
    """Record the decision. `ConfigError` when the log does not break at that sequence; nothing is then written."""
    disk = Disk()
    with closing(DataDirectory.hold(data_dir)) as directory:
        try:
            with closing(Journal.open(directory.path, disk=disk)) as journal:
                core = recover_engine(Config(), journal, disk).core
        except LogBreaksEngine as error:
            if error.sequence != sequence:
                raise ConfigError(f"{sequence} is not where the log breaks: {error}") from None
            add_skip(directory.path, disk, sequence, why)
            return
        raise ConfigError(
            f"nothing breaks: the log replays up to its end at {core.sequence}, nothing is skipped"
        )
