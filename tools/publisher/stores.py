"""A publisher's database from the command line: the one that the settings name, if it is there.

The rule guarded here: a verb that looks or changes by hand never makes a database. Called by `rebuild` and `adjust`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from bus.config import Config
from bus.errors import ConfigError
from publisher.store.store import Store
from tools import options

Data: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help=f"The engine's data directory; all may be running in it. Default: {options.DEFAULT_DATA}.",
    ),
]
StoreUrl: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="The database: sqlite:///FILE or postgresql://USER@HOST/DATABASE. Default: the publisher's.",
    ),
]


def store_config(config: Path | None, data: str | None, store: str | None) -> Config:
    """The settings of a verb that works on a store. Raises ConfigError."""
    return options.engine_config(
        config, os.environ, data=data, port_base=None, host=None, sync=None, clock=None,
        further={"store.url": store},
    )  # fmt: skip


def is_there(config: Config) -> bool:
    """Whether there is a database, as far as can be told without making one: a file that is missing is none."""
    url, _, file = config.store.url.partition(":///")
    if not url:
        return Path(config.engine.data_dir, "publisher", "market.db").exists()
    return url != "sqlite" or Path(file).exists()


@contextmanager
def stored(config: Config) -> Iterator[Store]:
    """The database, opened. ConfigError when it is not there; raises what opening it does."""
    if not is_there(config):
        where = config.store.url or config.engine.data_dir
        raise ConfigError(f"{where}: no publisher has stored anything there; name its database with --store")
    store = Store(config.store.url, config.engine.data_dir)
    try:
        yield store
    finally:
        store.close()
