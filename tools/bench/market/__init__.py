"""What `matchbus bench publisher` runs: a real publisher beside an engine that is played, or beside a real one.

    script ─frames─▶ player ══feed══▶ publisher ══streams══▶ listener        throughput, memory
    pacer ─orders─▶ engine ══feed══▶ publisher ══streams══▶ lags, joins      live, latency, late joiner

- `throughput`, `memory`, `live`: a measurement each, or several over one exchange
- `script`: the frames of an engine under load; `days`: those of two days in 100 symbols; `player`: says them
- `listener`: reads all streams; `pacer`: orders at a rate; `lags`: how far streams are behind the feed; `joins`: a
  reader that comes late
"""
