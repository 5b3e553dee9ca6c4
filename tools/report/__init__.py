"""`matchbus report`: what a venue did in a day, made of its journal alone, twice the same bytes (docs/reports.md).

    journal ─▶ walking ─reports, trades─▶ gathering ─checked─▶ report ─rows─▶ csv_files, parquet_files, page ─▶ landing

- `period`: which days, as moments of engine time
- `walking`: the log done again, cut where the period begins and ends
- `gathering`: what was said between, added up and kept as rows; `spool` keeps more of them than fit into memory
- `checking`: that opening balances and all that moved come to the closing ones
- `tables`: every table with its columns; `decimals`: amounts as text, exactly
- `report`: the rows of each table
- `csv_files`, `parquet_files`: tables as files
- `page`: a report to read, of `venue_page` and of a `statement` for each account; `parts`: what both are made of;
  `amounts`: values as HTML; `page.html`, `table.html`, `page.css`: how it looks
- `landing`: that it is written whole or not at all, and over nothing but an earlier one of the same days
- `command`: the verb
"""
