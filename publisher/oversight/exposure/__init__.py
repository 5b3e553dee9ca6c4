"""The exposure: what every account holds, has earned and stands to lose, from the drop copy alone.

    executions ─▶ positions ─┐
    orders ─────▶ open_orders ├─▶ folding ─▶ keeping ─▶ database (in the transaction of the history's rows)
    last trades ─▶ marks ────┘

Pure:

- `positions`: lots, cost and realised profit of an account in a symbol, trade by trade
- `open_orders`: what open orders may still buy and sell
- `ranking`: accounts over all of their positions, the worst first
- `streaming`: what is told of changes, and when
- `folding`: what the reports of a transaction make of all of them

With a database:

- `reading`: positions and exposures for whoever asks
- `keeping`: stored positions and marks, written, and made anew from the executions
"""
