"""What expressions may say, and the code that each part of them becomes.

RestrictedPython's transformer refuses every kind of node that it is not told to take, and names with a
leading underscore. This policy takes fewer still: values of the document, literals, operators, a function
library and comprehensions. Nothing that is left can reach a Python object: `a.b` is a path into the document,
operators are functions of `operators.py`, and only functions of the library can be called.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias, TypeVar

from RestrictedPython.transformer import RestrictingNodeTransformer

from connector.mapping import operators, special
from connector.mapping.functions import FUNCTIONS
from connector.mapping.library.values import MAX_TEXT
from connector.mapping.path import Place, SourcePath, Step, make_path, write_path
from connector.mapping.refusals import Flaw, refusal
from connector.mapping.scope import compile_path
from connector.mapping.value_types import MAX_DIGITS, is_reasonable
from connector.yaml_words import suggest

MAX_LOOPS = 2
"""`for`s that may stand inside each other: work is at most the square of the document's size."""

_Made = TypeVar("_Made", bound=ast.AST)

Tables: TypeAlias = Mapping[str, Mapping[str, Any]]


class Policy(RestrictingNodeTransformer):
    """Turns the tree of one expression into the tree of a function of (_here_, _scope_)."""

    def __init__(self, text: str, place: Place, tables: Tables) -> None:
        super().__init__([], [], {})
        self._text = text
        self._place = place
        self._tables = tables
        self._variables: dict[str, str] = {}  # of comprehensions -> the path of what they walk over
        self._loops = 0
        self.flaws: list[Flaw] = []
        self.reads: dict[str, None] = {}  # an ordered set
        self.globals: dict[str, Any] = {"__builtins__": {}, "_rows_": operators.rows_of}

    def refuse(self, node: ast.AST, message: str) -> None:
        """Note a flaw."""
        column = getattr(node, "col_offset", 0)
        # Python counts bytes of UTF-8.
        at = len(self._text.encode()[:column].decode(errors="ignore"))
        self.flaws.append(Flaw(at=at, message=message))

    def error(self, node: ast.AST, info: str) -> None:
        """Note what RestrictedPython refuses."""
        self.refuse(node, info.removesuffix("."))

    def not_allowed(self, node: ast.AST) -> None:
        """Note a kind of node that expressions do not have."""
        self.refuse(node, refusal(node))

    def visit(self, node: ast.AST) -> Any:  # noqa: ANN401 as the base class
        """Take a node that this class has a method for, and refuse every other."""
        method = getattr(self, f"take_{type(node).__name__}", None)
        if method is None:
            self.not_allowed(node)
            return node
        return method(node)

    # Each method gives the node that stands for what it takes.

    def take_Expression(self, node: ast.Expression) -> ast.Expression:  # noqa: N802 the name of the node
        """Make it a function."""
        arguments = ast.arguments(
            posonlyargs=[ast.arg(arg="_here_"), ast.arg(arg="_scope_")],
            args=[],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        )
        return ast.Expression(body=ast.Lambda(args=arguments, body=self.visit(node.body)))

    def take_Constant(self, node: ast.Constant) -> ast.AST:  # noqa: N802 the name of the node
        """Take text, whole numbers and true and false; read decimals as they are written."""
        match node.value:
            case None | bool():
                return node
            case str():
                if len(node.value) > MAX_TEXT:
                    self.refuse(node, f"text of more than {MAX_TEXT:,} characters")
                return node
            case int() | float():
                return self._number(node)
            case _:
                self.refuse(node, "expected text, a number, True or False")
                return node

    def _number(self, node: ast.Constant) -> ast.AST:
        written = (ast.get_source_segment(self._text, node) or "").replace("_", "")
        if isinstance(node.value, int):
            value: int | Decimal = node.value
        else:
            try:
                value = Decimal(written)
            except InvalidOperation:
                value = Decimal("NaN")
        if not is_reasonable(value):
            self.refuse(node, f"expected a number of at most {MAX_DIGITS} digits")
            return node
        return node if isinstance(value, int) else self._global(node, value)

    def take_Name(self, node: ast.Name) -> ast.AST:  # noqa: N802 the name of the node
        """Take a variable of a comprehension, or a field."""
        self.check_name(node, node.id)
        return node if node.id in self._variables else self._path(node)

    def take_Attribute(self, node: ast.Attribute) -> ast.AST:  # noqa: N802 the name of the node
        """Take a path."""
        return self._path(node)

    def take_Subscript(self, node: ast.Subscript) -> ast.AST:  # noqa: N802 the name of the node
        """Take a path: `Items[0]`, `row["Net weight"]`."""
        return self._path(node)

    def take_List(self, node: ast.List) -> ast.AST:  # noqa: N802 the name of the node
        """Take a list."""
        return self._at(node, ast.List(elts=[self.visit(each) for each in node.elts], ctx=ast.Load()))

    def take_Tuple(self, node: ast.Tuple) -> ast.AST:  # noqa: N802 the name of the node
        """Take a list in round brackets."""
        return self._at(node, ast.List(elts=[self.visit(each) for each in node.elts], ctx=ast.Load()))

    def take_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:  # noqa: N802 the name of the node
        """Take `not` and `-`."""
        match node.op:
            case ast.Not():
                return self._at(node, ast.UnaryOp(op=ast.Not(), operand=self._truth(node.operand)))
            case ast.USub():
                return self._call(node, operators.minus, [self.visit(node.operand)])
            case _:
                self.not_allowed(self._at(node, node.op))
                return node

    def take_BinOp(self, node: ast.BinOp) -> ast.AST:  # noqa: N802 the name of the node
        """Take `+ - * / // %`."""
        function = operators.ARITHMETIC.get(type(node.op).__name__)
        if function is None:
            self.not_allowed(self._at(node.right, node.op))
            return node
        return self._call(node, function, [self.visit(node.left), self.visit(node.right)])

    def take_BoolOp(self, node: ast.BoolOp) -> ast.AST:  # noqa: N802 the name of the node
        """Take `and` and `or`."""
        return self._at(node, ast.BoolOp(op=node.op, values=[self._truth(value) for value in node.values]))

    def take_Compare(self, node: ast.Compare) -> ast.AST:  # noqa: N802 the name of the node
        """Take comparisons, also in a chain: `0 < x <= 5`."""
        sides = [self.visit(side) for side in (node.left, *node.comparators)]
        parts: list[ast.expr] = []
        for at, sign in enumerate(node.ops):
            function = operators.COMPARISONS.get(type(sign).__name__)
            if function is None:
                self.not_allowed(self._at(node.comparators[at], sign))
                continue
            parts.append(self._call(node, function, [deepcopy(sides[at]), sides[at + 1]]))
        return parts[0] if len(parts) == 1 else self._at(node, ast.BoolOp(op=ast.And(), values=parts))

    def take_IfExp(self, node: ast.IfExp) -> ast.AST:  # noqa: N802 the name of the node
        """Take `A if CONDITION else B`."""
        taken = ast.IfExp(
            test=self._truth(node.test), body=self.visit(node.body), orelse=self.visit(node.orelse)
        )
        return self._at(node, taken)

    def take_ListComp(self, node: ast.ListComp | ast.GeneratorExp) -> ast.AST:  # noqa: N802 the name of the node
        """Take `[X for row in Items if CONDITION]`."""
        if self._loops + len(node.generators) > MAX_LOOPS:
            self.refuse(node, f"more than {MAX_LOOPS} `for` inside each other")
            return node
        with self._looping(len(node.generators)):
            generators = [self._loop(each) for each in node.generators]
            return self._at(node, ast.ListComp(elt=self.visit(node.elt), generators=generators))

    def take_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:  # noqa: N802 the name of the node
        """Take the same without brackets, as the argument of a function; it becomes a list."""
        return self.take_ListComp(node)

    def take_Call(self, node: ast.Call) -> ast.AST:  # noqa: N802 the name of the node
        """Take a call of a function of the library."""
        if not isinstance(node.func, ast.Name):
            self.refuse(node, "only functions of the library can be called: name(...)")
            return node
        name = node.func.id
        if any(isinstance(each, ast.Starred) for each in node.args) or any(
            each.arg is None for each in node.keywords
        ):
            self.refuse(node, "arguments are written one by one, without *")
            return node
        if name in special.NAMES:
            return self._special(node, name)
        if name not in FUNCTIONS:
            known = [*FUNCTIONS, *special.NAMES]
            self.refuse(node, f"unknown function `{name}`; {suggest(name, known)}")
            return node
        named = {str(each.arg): each.value for each in node.keywords}
        try:
            bound = FUNCTIONS[name].bind(node.args, named)
        except ValueError as error:
            self.refuse(node, str(error))
            return node
        arguments = [
            self.visit(each) if isinstance(each, ast.AST) else ast.Constant(value=each) for each in bound
        ]
        return self._call(node, FUNCTIONS[name].call, arguments)

    def _special(self, node: ast.Call, name: str) -> ast.AST:
        if node.keywords or len(node.args) not in special.NAMES[name].counts:
            self.refuse(node, f"`{name}` is called as {special.NAMES[name].signature}")
            return node
        match name:
            case "confidence" | "edited":
                return self._about_field(node, name)
            case "lookup":
                return self._lookup(node)
            case _:
                # Each argument for itself, so that one that is missing stops nothing.
                thunks = [self._thunk(argument) for argument in node.args]
                return self._call(node, special.NAMES[name].call, thunks)

    def _about_field(self, node: ast.Call, name: str) -> ast.AST:
        chain = self._chain(node.args[0])
        if chain is None:
            self.refuse(node, f"`{name}` takes a path, such as InvoiceTotal")
            return node
        base, steps = chain
        if isinstance(base, ast.Name) and base.id in self._variables:
            self._note(self._written(base.id, steps))
            function = special.about_entry(name, steps)
            return self._call(node, function, [base])
        path = self._source_path(node, base, steps)
        if path is None:
            return node
        return self._call(node, special.about(name, path), [_name("_here_"), _name("_scope_")])

    def _lookup(self, node: ast.Call) -> ast.AST:
        table = node.args[0]
        known = table.value if isinstance(table, ast.Constant) else None
        if not isinstance(known, str) or known not in self._tables:
            what = (
                f"no table `{known}` under `lookups`"
                if isinstance(known, str)
                else "a table is named in quotes"
            )
            hint = f"; {suggest(known, self._tables)}" if isinstance(known, str) and self._tables else ""
            self.refuse(table, what + hint)
            return node
        thunks = [self._thunk(argument) for argument in node.args[1:]]
        return self._call(node, special.in_table(known, self._tables[known]), thunks)

    def _path(self, node: ast.Name | ast.Attribute | ast.Subscript) -> ast.AST:
        chain = self._chain(node)
        if chain is None:
            return node
        base, steps = chain
        if not isinstance(base, ast.Name):
            return self._from_value(node, base, steps)
        if base.id in self._variables:
            self._note(self._written(base.id, steps))
            return self._call(node, special.entry_reader(self._written(base.id, steps), steps), [base])
        path = self._source_path(node, base, steps)
        if path is None:
            return node
        return self._call(
            node, special.path_reader(path.text, compile_path(path)), [_name("_here_"), _name("_scope_")]
        )

    def _from_value(self, node: ast.AST, base: ast.AST, steps: tuple[Step, ...]) -> ast.AST:
        """Read into what a function gave: `split(Address, ",")[0]`."""
        value = self.visit(base)
        return self._call(node, special.entry_reader(write_path(steps), steps), [value])

    def _source_path(self, node: ast.AST, base: ast.AST, steps: tuple[Step, ...]) -> SourcePath | None:
        if not isinstance(base, ast.Name):
            return None
        name = base.id
        self.check_name(base, name)
        if name == "row":  # the row itself, for names that are no words: row["Net weight"]
            if not steps or not isinstance(steps[0], str):
                self.refuse(node, '`row` alone is no value; expected a field of it: row["Net weight"]')
                return None
            path = SourcePath(text=write_path(steps), steps=steps)
        else:
            try:
                whole = (name, *steps)
                text = ".".join(filter(None, [name, write_path(steps)])).replace(".[", "[", 1)
                path = make_path(text, whole, name, self._place)
            except ValueError as error:
                self.refuse(node, str(error))
                return None
        self._note(path.text)
        return path

    def _chain(self, node: ast.AST) -> tuple[ast.AST, tuple[Step, ...]] | None:
        """Give what a chain of names and indexes begins with, and its steps; None after a refusal."""
        steps: list[Step] = []
        while isinstance(node, ast.Attribute | ast.Subscript):
            if isinstance(node, ast.Attribute):
                if node.attr.startswith("_"):
                    self.refuse(
                        node,
                        f"`{node.attr}` begins with an underscore; a field of that name is "
                        f'written ["{node.attr}"]',
                    )
                    return None
                steps.append(node.attr)
            elif isinstance(node.slice, ast.Constant) and type(node.slice.value) in (int, str):
                steps.append(node.slice.value)  # type: ignore[arg-type]  # one of the two
            elif isinstance(node.slice, ast.Slice):
                self.not_allowed(self._at(node, node.slice))
                return None
            else:
                self.refuse(node.slice, 'expected a number from 0, or a name in quotes: [0], ["Net weight"]')
                return None
            node = node.value
        return node, tuple(reversed(steps))

    def _loop(self, node: ast.comprehension) -> ast.comprehension:
        if node.is_async or not isinstance(node.target, ast.Name):
            self.refuse(node.target, "expected one name: `for row in Items`")
            return node
        self.check_name(node.target, node.target.id)
        walked = (
            self._chain(node.iter)
            if isinstance(node.iter, ast.Name | ast.Attribute | ast.Subscript)
            else None
        )
        rows = self.visit(node.iter)
        self._variables[node.target.id] = f"{self._said(walked)}[]" if walked else "[]"
        iterated = self._at(
            node.iter, ast.Call(func=_name("_rows_"), args=[rows, _name("_scope_")], keywords=[])
        )
        return ast.comprehension(
            target=node.target,
            iter=iterated,
            ifs=[self._truth(condition) for condition in node.ifs],
            is_async=0,
        )

    def _said(self, chain: tuple[ast.AST, tuple[Step, ...]]) -> str:
        base, steps = chain
        if not isinstance(base, ast.Name):
            return ""
        if base.id in self._variables:
            return self._written(base.id, steps)
        return write_path(steps) if base.id == "row" else ".".join(filter(None, [base.id, write_path(steps)]))

    def _written(self, variable: str, steps: tuple[Step, ...]) -> str:
        rest = write_path(("x", *steps)).removeprefix("x")
        return f"{self._variables[variable]}{rest}"

    @contextmanager
    def _looping(self, loops: int) -> Iterator[None]:
        outer = dict(self._variables)
        self._loops += loops
        try:
            yield
        finally:
            self._variables = outer
            self._loops -= loops

    def _note(self, path: str) -> None:
        if not path.startswith("[]"):
            self.reads[path] = None

    def _truth(self, node: ast.expr) -> ast.expr:
        return self._call(node, operators.truth, [self.visit(node)])

    def _thunk(self, node: ast.expr) -> ast.expr:
        arguments = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
        return self._at(node, ast.Lambda(args=arguments, body=self.visit(node)))

    def _call(self, node: ast.AST, function: Callable[..., Any], arguments: Sequence[ast.expr]) -> ast.expr:
        return self._at(node, ast.Call(func=self._global(node, function), args=list(arguments), keywords=[]))

    def _global(self, node: ast.AST, value: Any) -> ast.expr:  # noqa: ANN401 a function or a number
        for name, known in self.globals.items():
            if known is value:
                return self._at(node, _name(name))
        name = f"_{len(self.globals)}_"
        self.globals[name] = value
        return self._at(node, _name(name))

    @staticmethod
    def _at(node: ast.AST, made: _Made) -> _Made:
        return ast.copy_location(made, node)


def _name(name: str) -> ast.Name:
    return ast.Name(id=name, ctx=ast.Load())
