"""What expressions do not have, and what to write instead."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

_INSTEAD: Mapping[str, str] = {
    "Lambda": "functions cannot be written here; `with` chains those there are",
    "NamedExpr": "nothing can be assigned; compare with ==",
    "JoinedStr": "put texts together with +, and numbers with text()",
    "Slice": "left(), right() and mid() give a part of a text",
    "Dict": "expected a single value; a look-up table is written under `lookups`",
    "DictComp": "expected a single value",
    "Set": "write a list: [..]",
    "SetComp": "write a list: unique([..])",
    "Pow": "multiply with *",
    "Starred": "arguments are written one by one",
    "Is": "compare with ==; present() tells whether there is a value",
    "IsNot": "compare with !=; present() tells whether there is a value",
    "BitAnd": "write `and`",
    "BitOr": "write `or`",
    "Invert": "write `not`",
    "Await": "nothing here waits",
    "Yield": "expected a single value",
    "YieldFrom": "expected a single value",
}
_WORDS: Mapping[str, str] = {
    "Lambda": "lambda",
    "NamedExpr": ":=",
    "JoinedStr": 'f"..."',
    "Slice": "[:]",
    "Dict": "{key: value}",
    "DictComp": "{key: value for ...}",
    "Set": "{..}",
    "SetComp": "{.. for ...}",
    "Pow": "**",
    "Starred": "*",
    "Is": "is",
    "IsNot": "is not",
    "BitAnd": "&",
    "BitOr": "|",
    "BitXor": "^",
    "LShift": "<<",
    "RShift": ">>",
    "MatMult": "@",
    "Invert": "~",
    "UAdd": "+",
    "Await": "await",
    "Yield": "yield",
    "YieldFrom": "yield from",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What is wrong in an expression, and at which of its characters (from 0)."""

    at: int
    message: str


def refusal(node: ast.AST) -> str:
    """Give the words for a kind of node that expressions do not have."""
    name = type(node).__name__
    instead = _INSTEAD.get(name)
    return f"`{_WORDS.get(name, name)}` is no part of expressions" + (f"; {instead}" if instead else "")
