"""The web: REST, WebSocket and the trading page, a client of the bus like any other. It keeps nothing but keys.

- `application`: the table of all routes, made into a Tornado application; `handling` is the way of one request
- `routes`: what a route is; `call`: what a handler is given; `errors`: what a caller is told instead of an answer
- `bodies`: JSON that callers send; `fields`: `?fields=a,b.c` on every answer
- `symbols`: scales between ticks and decimals
- `market_data`: what publishers say as JSON has it; `asking`: questions to them
- `alerts`: their conditions in decimals; `alert_ids`: whose an alert is
- `readiness`: whether requests can be answered
- `house`: what handlers reach: the clients of the engine, the publishers and the history
- `server`: listens; `edge/`: what is refused before it is a request, and who may be connected
- `sessions`: a `session` of the engine for each account; `trading`: what accounts do, with `order_commands` (bodies
  into commands) and `order_answers` (reports into answers);
  `money`: what accounts have and move, with `money_answers` and `assets` (how many decimals each has);
  `operating`: what operators do; `turns`: who may ask the history now
- `schemas/`: the only place where JSON names live
- `rest/`: handlers, a file a subject
- `openapi/`: the documents of REST, made of its routes and schemas; `asyncapi/`: of messages, over WebSocket and ZeroMQ
- `guard/`: who may
- `usage/`: who asks for what, kept for a while
- `stream/`: WebSocket: what happens, told to many at once; accounts trade and are told of their orders there
- `page/`: the trading page, as a browser has it: `main.js` joins its parts; `page_files` serves it

It may import the bus, and never the matcher or the publisher.
"""
