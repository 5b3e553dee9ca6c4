"""Who may: before a handler runs, whoever calls has been found to be somebody who may do this, now.

- `principal`: somebody who may do something
- `guard`: the one question that `web.handling` asks
- `keyed_guard`: answers it by keys and signatures
- `keys`: a key; `signing`: what is signed with one
- `store`: where keys are kept, `secrets` how their secrets are sealed there; `key_book`: all keys in memory
- `networks`: addresses, as settings name them
- `origins`: pages of other sites that may use the web from a browser
- `limits`: how many requests; `intrusion`: signs that somebody tries what is not theirs
- `watch`: who is kept out at the moment; `audit`: what an operator wants to read afterwards
"""
