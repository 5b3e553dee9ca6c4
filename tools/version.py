"""`matchbus version`: what is installed here, for a bug report and for reading a benchmark."""

import importlib.metadata
import platform

import zmq
from rich.console import Console
from rich.table import Table

from tools.core_kind import core_kind


def facts() -> dict[str, str]:
    """Everything that changes how matchbus behaves or how fast it is, and is not a setting."""
    return {
        "matchbus": importlib.metadata.version("matchbus"),
        "core": core_kind(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libzmq": f"{zmq.zmq_version()} (pyzmq {zmq.__version__})",
        "platform": platform.platform(),
    }


def version() -> None:
    """Show the versions of matchbus, Python and libzmq, and whether the core is compiled."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in facts().items():
        table.add_row(name, value)
    Console(highlight=False, soft_wrap=True).print(table)
