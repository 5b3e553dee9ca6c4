"""What trading costs: fee schedules, the fee of a fill, and who is in which tier.

- `schedule`: the terms of one instrument, and whether they may be set
- `amounts`: the fee of a fill, to the unit; and the most that an order can come to pay
- `volume`: what an account has traded in the last thirty days
- `venue`: all schedules, tiers, groups and volumes of a venue
- `fees_codec`: those as rows of a state, and back

Nothing here moves money: it says how much is to be moved. Amounts are whole units of the assets, whatever a unit is.
"""
