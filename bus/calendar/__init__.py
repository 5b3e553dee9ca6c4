"""The calendar: hours in the clocks of a time zone, and the moments of engine time that they are.

- `zones`: the database of time zones of this machine
- `moments`: when a clock shows a time
- `planning`: what a schedule comes to
- `words`: schedules as people write them, and hours as they read them

What is found here differs between machines whose databases differ, so the matcher never asks: the node does, and logs
what it was told.
"""
