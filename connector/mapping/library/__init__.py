"""The functions of `with` and `expr`, one small one for each conversion, by what they work on.

A function is registered by its annotations, which say what it takes, and its docstring, which the reference
page shows: what it gives, and an `Example:` that a test computes. None of them reads a clock, a locale or a
file, so that the same document always gives the same record.
"""
