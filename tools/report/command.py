"""`matchbus report`: the verb."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from bus.errors import ConfigError, NotWritten
from bus.journal.disk import Disk
from bus.journal.reader import probable_head
from bus.protocol.terms import CLEARINGS
from tools import options
from tools.report.checking import check_report
from tools.report.csv_files import write_csv
from tools.report.landing import Marker, check_file, check_folder, land_file, land_folder
from tools.report.page import check_page, write_page, write_pages
from tools.report.parquet_files import load_pyarrow, write_parquet
from tools.report.period import moment_text, read_period
from tools.report.report import Report, of_what
from tools.report.walking import Walked, check_journal, newest_whole_day, walk
from tools.showing import counted

_PAGE_SUFFIXES = (".html", ".htm")


def report(
    day: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="Of this day, UTC of engine time. Default: the last whole one."),
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="Of several days: the first.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="And the last, included.")] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="DIR", help="Write the tables as CSV into this folder.")
    ] = None,
    parquet: Annotated[
        Path | None,
        typer.Option("--parquet", metavar="DIR", help="Write them as Parquet; needs pyarrow."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE|DIR",
            help="Write a page to read and to print: one file that ends with .html, or a folder of one an account.",
        ),
    ] = None,
    account: Annotated[
        str, typer.Option(metavar="NAME", help="Only of this account, and nothing of the venue.")
    ] = "",
    group: Annotated[
        str, typer.Option(metavar="NAME", help="Only of the accounts that are in this group at the end.")
    ] = "",
    so_far: Annotated[
        bool, typer.Option("--so-far", help="Also when the last day is not over in the log.")
    ] = False,
    from_start: Annotated[
        bool,
        typer.Option("--from-start", help="Replay all of the log before, and count positions since then."),
    ] = False,
    data: Annotated[
        str,
        typer.Option(
            "--data",
            metavar="DIR",
            envvar="MATCHBUS_ENGINE_DATA_DIR",
            help="The data directory; an engine may be running in it.",
        ),
    ] = options.DEFAULT_DATA,
) -> None:
    """Report what a venue did in a day, from its journal alone: balances, trades, fees, transfers, totals.

    The same log gives the same bytes. What there was and what moved must come to what there is, else nothing is
    written and the status is 1.

    \b
    Examples:
      matchbus report --csv reports/2026-11-27 --day 2026-11-27
      matchbus report --html report.html --parquet reports/yesterday
      matchbus report --day 2026-11-27 --account alice --html alice.html
    """
    if csv is None and parquet is None and html is None:
        raise ConfigError("name where to write: --csv DIR, --parquet DIR or --html FILE, or several of them")
    if account and group:
        raise ConfigError("--account and --group: name one of them")
    if parquet is not None:
        load_pyarrow()
    named = read_period(day, first, last)
    check_journal(data)
    with _readable():
        period = named or newest_whole_day(data)
    what = of_what(period, account, group)
    folders: dict[Path, list[Callable[[Report, Path], list[str]]]] = {}
    page: Path | None = None
    if csv is not None:
        folders.setdefault(csv.resolve(), []).append(write_csv)
    if parquet is not None:
        folders.setdefault(parquet.resolve(), []).append(write_parquet)
    if html is not None and html.suffix in _PAGE_SUFFIXES:
        page = html.resolve()
        check_file(page, what)
    elif html is not None:
        folders.setdefault(html.resolve(), []).append(write_pages)
    for folder in folders:
        check_folder(folder, what)
    with ExitStack() as stack:
        with _readable():
            walked = walk(data, period, so_far=so_far, from_start=from_start, progress=_progress(stack, data))
        stack.callback(walked.gathered.close)
        made = Report(walked, account, group)
        if page is not None:
            check_page(made)
        check_report(walked)
        marker = _marker(made)
        for folder, writers in folders.items():

            def write(
                beside: Path, writers: list[Callable[[Report, Path], list[str]]] = writers
            ) -> list[str]:
                return [name for one in writers for name in one(made, beside)]

            land_folder(folder, marker, write)
        if page is not None:
            land_file(page, lambda beside: write_page(made, beside))
    _tell(walked, marker)


@contextmanager
def _readable() -> Iterator[None]:
    """What the system does not let be read, or be kept for a while, is one line."""
    try:
        yield
    except OSError as error:
        raise NotWritten(f"{error.filename or 'a temporary file'}: {error.strerror or error}") from None


def _marker(made: Report) -> Marker:
    walked = made.walked
    state = walked.core.state
    return Marker(
        first_day=str(walked.period.first),
        last_day=str(walked.period.last),
        account=made.whose,
        is_over=walked.is_over,
        begin=moment_text(walked.period.begin_ns),
        end=moment_text(walked.until_ns),
        first_sequence=walked.first_sequence,
        last_sequence=walked.last_sequence,
        clearing=CLEARINGS[state.rules.clearing],
        positions_since_start=walked.positions is not None,
        rows={table.name: made.count(table) for table in made.tables},
        files=[],
    )


def _progress(stack: ExitStack, data: str) -> Callable[[int], object]:
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    stack.enter_context(bar)
    task = bar.add_task("the log again", total=probable_head(Disk(), data))
    return lambda sequence: bar.update(task, completed=sequence)


def _tell(walked: Walked, marker: Marker) -> None:
    for note in walked.notes:
        print(f"note: {note}", file=sys.stderr)
    rows = marker.rows
    unfinished = "" if walked.is_over else f", as far as {marker.end}"
    print(
        f"{walked.period.name}{unfinished}: {counted(walked.last_sequence - walked.first_sequence + 1, 'command')},"
        f" {counted(rows['trades'], 'row')} of trades, {counted(rows['transfers'], 'row')} of transfers;"
        " what there was and what moved come to what there is"
    )
