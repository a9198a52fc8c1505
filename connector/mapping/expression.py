"""Expressions: a small part of Python's grammar, compiled once to a function of (here, scope).

`policy.py` says what they may say. Whatever a computation meets ends as `UnfitError`.
"""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from RestrictedPython.transformer import RestrictingNodeTransformer

from connector.mapping.operators import FAILURES
from connector.mapping.path import Place
from connector.mapping.policy import Policy, Tables
from connector.mapping.refusals import Flaw
from connector.mapping.scope import Here, Scope
from connector.mapping.words import UnfitError

MAX_LENGTH = 2_000
"""Characters of one expression."""

_HINTS: Sequence[tuple[str, str]] = (
    (r"&&", "write `and`"),
    (r"\|\|", "write `or`"),
    (r"!(?!=)", "write `not`"),
    (r"\?", "write `A if CONDITION else B`"),
    (r"(?<![=!<>:])=(?!=)", "compare with =="),
    (r"[\u201c\u201d\u201e\u2018\u2019]", "text stands in straight quotes"),
    (r";", "one expression, without `;`"),
    (r"\$", "paths are written without $"),
    (r"\d,\d", "decimals stand after a point: 0.05"),
)


class ExpressionError(ValueError):
    """An expression that cannot be taken. `flaws`: all that is wrong with it."""

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        super().__init__("; ".join(flaw.message for flaw in flaws))
        self.flaws = tuple(flaws)


def compile_expression(
    text: str, place: Place, tables: Tables
) -> tuple[Callable[[Here, Scope], Any], tuple[str, ...]]:
    """Give the function that computes an expression, and the paths that it reads.

    Raises: ExpressionError with everything that is wrong, each at its character.
    """
    line = _one_line(text)
    tree = _parse(line)
    policy = Policy(line, place, tables)
    try:
        made = policy.visit(deepcopy(tree))
        if not policy.flaws:
            _refuse_restricted(policy, tree)
        if policy.flaws:
            raise ExpressionError(sorted(policy.flaws, key=lambda flaw: flaw.at))
        code = compile(ast.fix_missing_locations(made), "<expression>", "eval")
    except (RecursionError, MemoryError) as error:
        raise ExpressionError([Flaw(at=0, message="nested too deep to be read")]) from error
    # The tree holds calls of our own functions, constants and variables of comprehensions, and no other name.
    function = eval(code, policy.globals)  # noqa: S307
    return _guarded(function), tuple(policy.reads)


def _one_line(text: str) -> str:
    """Give the text with line breaks as spaces: YAML may fold it, and characters keep their numbers."""
    if len(text) > MAX_LENGTH:
        message = f"{len(text):,} characters; an expression has at most {MAX_LENGTH:,}"
        raise ExpressionError([Flaw(at=0, message=message)])
    if not text.strip():
        raise ExpressionError([Flaw(at=0, message="the expression is empty")])
    return re.sub(r"[\r\n\t\f]", " ", text)


def _parse(line: str) -> ast.Expression:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about code that no expression may contain
            tree = ast.parse(line, mode="eval")
            comment = _comment(line)
    except (SyntaxError, tokenize.TokenError, UnicodeError, ValueError) as error:
        at = max(0, (getattr(error, "offset", None) or 1) - 1)
        raise ExpressionError([Flaw(at=min(at, len(line)), message=_say(line))]) from error
    except (RecursionError, MemoryError) as error:
        raise ExpressionError([Flaw(at=0, message="nested too deep to be read")]) from error
    if comment is not None:
        # It would hide what follows it on the next lines of a folded text.
        raise ExpressionError([Flaw(at=comment, message="a comment; write it in YAML, above the key")])
    return tree


def _comment(line: str) -> int | None:
    tokens = tokenize.generate_tokens(io.StringIO(line).readline)
    return next((token.start[1] for token in tokens if token.type == tokenize.COMMENT), None)


def _say(line: str) -> str:
    outside = re.sub(r'"[^"]*"|\'[^\']*\'', '""', line)
    hint = next((words for pattern, words in _HINTS if re.search(pattern, outside)), None)
    return "no expression from here on" + (
        f"; {hint}" if hint else "; expected one such as InvoiceTotal.amount > 100"
    )


def _refuse_restricted(policy: Policy, tree: ast.Expression) -> None:
    """Let RestrictedPython's own policy look too: a second wall, should ours ever have a gap."""
    errors: list[str] = []
    RestrictingNodeTransformer(errors, [], {}).visit(tree)
    for message in errors:
        policy.flaws.append(Flaw(at=0, message=re.sub(r"^Line \w+: ", "", message).removesuffix(".")))


def _guarded(function: Callable[[Here, Scope], Any]) -> Callable[[Here, Scope], Any]:
    def compute(here: Here, scope: Scope) -> Any:  # noqa: ANN401 a value of an expression
        try:
            return function(here, scope)
        except UnfitError:
            raise
        except FAILURES as error:
            raise UnfitError("no value", f"it cannot be computed ({type(error).__name__})") from error

    return compute
