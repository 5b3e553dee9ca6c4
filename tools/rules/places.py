"""Where the rulebook and the scenarios are: carried along in an installed package, or in the repository.

`tools.build.carried` puts them into a wheel; an editable install reads what the repository has now.
"""

from pathlib import Path
from typing import Final

#: Below this package, in a wheel.
CARRIED: Final = Path(__file__).parent / "carried"
_REPOSITORY: Final = Path(__file__).parents[2]


def rulebook_page() -> Path:
    """The page `docs/rules.md`."""
    carried = CARRIED / "rules.md"
    return carried if carried.exists() else _REPOSITORY / "docs" / "rules.md"


def scenarios_folder() -> Path:
    """The folder of the scenarios' files."""
    carried = CARRIED / "scenarios"
    return carried if carried.exists() else _REPOSITORY / "tests" / "scenarios"
