"""Salesforce: one composite graph per record, upserted by external id. `adapter.py` keeps the contract.

`settings.py` reads configuration; `auth.py` logs in; `transport.py` is the only module that does I/O;
`graph.py`, `answers.py`, `failures.py`, `describe.py` and `findings.py` are pure.
"""
