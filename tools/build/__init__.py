"""How the package is built: `backend` makes the wheel, `core` lists what is compiled into it."""
