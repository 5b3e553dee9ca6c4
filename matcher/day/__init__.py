"""The trading day: how an instrument comes from one phase into another, by whom, and what happens there.

- `phases`: how a phase begins and ends, by an operator or a timer
- `schedule`, `scheduling`: the hours of an instrument as rows of engine time, and who carries them out
- `phasing`: how a book comes into a phase; what a price band does to an order
- `uncrossing`: how orders collect, and trade at one price
"""
