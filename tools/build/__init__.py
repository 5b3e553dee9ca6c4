"""How the package is built.

- `backend`: makes the wheel
- `core`: lists what is compiled into it
- `carried`: what it has along that is no source
"""
