"""What a database of ours is to be: its kind and version, its tables, where it is and which setting says so."""

from msgspec import Struct
from sqlalchemy import MetaData, Table


class Schema(Struct, frozen=True):
    """A kind of database. `version_table` has the columns `kind` and `version`, and one row.

    `file`: where its SQLite file is, relative to the data directory, unless the setting `setting` names another place.
    """

    kind: str
    version: int
    metadata: MetaData
    version_table: Table
    file: str
    setting: str
