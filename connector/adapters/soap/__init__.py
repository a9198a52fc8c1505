"""SOAP ERPs by profile: one YAML file says how an ERP is spoken to. `adapter.py` keeps the contract.

`settings.py` and `profile.py` read files; `template.py`, `body.py`, `convert.py`, `shape.py`, `reply.py` and
`outcome.py` are pure; `wsdl.py` loads a WSDL and is, with `message.py`, all that knows zeep; `wire.py` is all
that does I/O.
"""
