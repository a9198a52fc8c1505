"""Adapters deliver records to targets; `base.py` is the contract, `registry.py` the list."""
