"""What a publisher says: market data, made from the public feed alone.

- `streams`: what leaves on its PUB: topics, frames, events
- `requests`: what can be asked on its ROUTER, and the answers
- `codec`: bytes to messages and back
"""
