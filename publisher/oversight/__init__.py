"""The oversight: readers that may see owners. What is learned here never leaves on a public socket.

- `history/`: what every account did, for good; answers the services of the house
- `exposure/`: what every account holds, has earned and stands to lose, in the same database

Surveillance and reports have their place here, beside it: they read what the history keeps.
"""
