"""What trading costs: fee schedules, the fee of a fill, and who is in which tier.

- `schedule`: the terms of one instrument, and whether they may be set
- `amounts`: the fee of a fill, to the unit; and the most that an order can come to pay
- `volume`: what an account has traded in the last thirty days
- `charging`: what an instrument charges, and an account pays
- `fees_codec`: schedules and volumes as rows of a state, and back

Who sets a schedule is `matcher.charging`; who charges is the ledger, at each fill. Amounts are whole units of the
assets, whatever a unit is.
"""
