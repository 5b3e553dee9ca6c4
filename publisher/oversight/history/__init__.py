"""The private history: the life of every order and every execution, by account, kept for good.

    drop copy ─▶ service ─▶ writing ─▶ database ─▶ reading ─▶ answers ─▶ ROUTER
                   ▲ begins anew where the database stands     ▲ in threads of their own
                   └─ standing: is it still this log?

Pure:

- `lives`: what a report makes of an order and of an execution
- `changes`: what the reports of some frames change in what is kept
- `standing`: whether what is kept is of the engine's log, and up to where

With a database or a socket:

- `tables`: what is kept, as tables; `rows`: values as their rows
- `database`: SQLite or PostgreSQL, and their failures by name
- `writing`: frames in, exactly once; and what never happened out again
- `reading`: pages of what is kept
- `asking`: a report again, asked of the engine or of the shadow
- `answers`: requests of the ROUTER, waiting, refused or answered
- `service`: the loop; `metrics`: what it tells a monitoring system
"""
