"""Mapping files: from the fields of a document to the fields of a record. Pure but for `load.py`."""
