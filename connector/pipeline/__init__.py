"""The two loops that share the ledger: `discover.py` fills it, `advance.py` empties it."""
