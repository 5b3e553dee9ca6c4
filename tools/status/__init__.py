"""How every process of an exchange is: `matchbus status`.

- `command`: the verb
- `asking`: asks all of them at once, over their sockets; `asking_web` over HTTP; `answers` what becomes of that
- `rows`: what their answers come to, beside each other
- `table`: how that looks on a terminal and as JSON; `market`: the instruments of the engine, below; `flowing`: lines
"""
