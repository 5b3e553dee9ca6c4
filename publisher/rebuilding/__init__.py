"""The stored market data, proved: what the engine's log says beside what the store has, row by row.

    public events of a batch ─▶ moments ─▶ markets ─rows─▶ fresh store ─┐
                                                                        ├─ comparison ─▶ findings
                                   places ◀─ the store as it is ────────┘

`rebuilding` takes batch after batch and compares each symbol where it stands in the store (`places`); `moments` makes
of a batch what an alignment would have given, `markets` are the publisher's own, `comparison` goes through the rows of
both stores, `adjustments` knows what an operator changed by hand. Who applies the log is `tools/publisher/rebuild`:
only there may matcher and publisher meet.
"""
