"""From a profile file to a `Profile`, or to all of its problems at once."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connector.adapters.soap import file as files
from connector.adapters.soap.body import BranchNode, Compiler
from connector.adapters.soap.examples import read_example
from connector.adapters.soap.outcome import CodeRule, Judge, Kind, Rule, Test
from connector.adapters.soap.profile import (
    MAIN,
    Block,
    Call,
    Comparison,
    EndpointPlan,
    Login,
    Lookup,
    Profile,
    Read,
    Step,
    Text,
    Verify,
)
from connector.adapters.soap.reply import SOAP_11, SOAP_12, XPath, compile_xpath
from connector.adapters.soap.template import Template, parse_template
from connector.yaml_source import KeyPath, YamlSource, problems_error, read_yaml, validate
from connector.yaml_words import suggest

ROOTS = ("record", "key", "settings", "secrets", "captured", "record_id", "session", "vars", "attempt")
"""What an expression can begin with, besides the names of loops."""


def load_profile(path: Path) -> Profile:
    """Read a profile file.

    Raises: ConfigError listing every problem in the order of the file, each with file, line and column.
    """
    source = read_yaml(path)
    return _Loader(validate(files.ProfileFile, source), source).profile()


class _Loader:
    """Makes a profile of what the file says, and collects what is wrong."""

    def __init__(self, file: files.ProfileFile, source: YamlSource) -> None:
        self._file = file
        self._source = source
        self._problems: list[tuple[KeyPath, str]] = []
        self._ns = {"soap": SOAP_11, "soap12": SOAP_12, **file.ns}
        self._compiler = Compiler(ns=self._ns, folder=source.path.parent, problems=self._problems)
        self._codes = tuple(self._code(each, ("errors", at)) for at, each in enumerate(file.errors))

    def profile(self) -> Profile:
        file = self._file
        steps = tuple(self._step(each, ("steps", at)) for at, each in enumerate(file.steps))
        made = Profile(
            path=self._source.path,
            object=file.record.object,
            key_field=file.record.key,
            endpoints=self._endpoints(),
            ns=self._ns,
            settings=file.settings,
            secrets=file.secrets,
            auth=file.auth,
            login=self._login(),
            blocks=tuple(
                self._block(each.header_block, ("auth", at, "header_block"))
                for at, each in enumerate(file.auth)
                if each.header_block is not None
            ),
            body_fields=tuple(
                self._branch(each.body_fields, ("auth", at, "body_fields"))
                for at, each in enumerate(file.auth)
                if each.body_fields is not None
            ),
            idempotency=file.idempotency,
            key=self._text(file.idempotency.key, ("idempotency", "key")),
            steps=steps,
            lookups=tuple(self._lookup(each, ("lookup", at), steps) for at, each in enumerate(file.lookup)),
            verify=self._verify(),
            read=self._read(),
            record_url=None if file.record_url is None else self._text(file.record_url, ("record_url",)),
            in_doubt=file.in_doubt,
            limits=file.limits,
            timeouts=file.timeouts,
            masks=tuple(self._xpath(each, ("log", "mask", at)) for at, each in enumerate(file.log.mask)),
            examples=tuple(read_example(each, file.record, at) for at, each in enumerate(file.examples)),
        )
        self._contradictions(made)
        self._names(made)
        if self._problems:
            self._problems.sort(key=lambda each: self._source.mark(each[0]))
            found = [self._source.problem(where, message) for where, message in self._problems]
            raise problems_error(self._source.path, found)
        return made

    def _endpoints(self) -> dict[str, EndpointPlan]:
        file = self._file
        plans = {MAIN: self._endpoint(file.wsdl, file.binding, ("binding", "address"))}
        for name, each in file.endpoints.items():
            where = ("endpoints", name, "binding", "address")
            plans[name] = self._endpoint(each.wsdl or file.wsdl, each.binding, where)
        return plans

    def _endpoint(
        self, wsdl: files.WsdlSection, binding: files.BindingSection, where: KeyPath
    ) -> EndpointPlan:
        address = None if binding.address is None else self._text(binding.address, where)
        return EndpointPlan(wsdl=wsdl, binding=binding, address=address)

    def _step(self, section: files.StepSection, where: KeyPath) -> Step:
        rules = tuple(
            self._rule(each, (*where, "outcome", place)) for place, each in enumerate(section.outcome)
        )
        return Step(
            name=section.name or section.operation,
            call=self._call(section, where, Judge(rules=rules, codes=self._codes)),
            record_id=self._xpaths(section.record_id, (*where, "record_id")),
            capture=self._captures(section.capture, (*where, "capture")),
            changes=section.changes,
        )

    def _lookup(self, section: files.LookupSection, where: KeyPath, steps: tuple[Step, ...]) -> Lookup:
        resume = None
        if section.resume is not None:
            names = [step.name for step in steps]
            if section.resume in names:
                resume = names.index(section.resume)
            else:
                message = f"there is no step `{section.resume}`; {suggest(section.resume, names)}"
                self._problems.append(((*where, "resume"), message))
        return Lookup(
            call=self._call(section, where, Judge(codes=self._codes)),
            found=self._test(section.found, (*where, "found")),
            not_found=self._test(section.not_found, (*where, "not_found")),
            many=None if section.many is None else self._test(section.many, (*where, "many")),
            record_id=self._xpaths(section.record_id, (*where, "record_id")),
            compare=self._comparisons(section.compare, (*where, "compare")),
            capture=self._captures(section.capture, (*where, "capture")),
            resume=resume,
        )

    def _verify(self) -> Verify | None:
        section = self._file.verify
        if section is None:
            return None
        call = self._call(section, ("verify",), Judge(codes=self._codes))
        return Verify(call=call, compare=self._comparisons(section.compare, ("verify", "compare")))

    def _read(self) -> Read | None:
        section = self._file.read
        if section is None:
            return None
        return Read(
            call=self._call(section, ("read",), Judge(codes=self._codes)),
            found=self._test(section.found, ("read", "found")),
            not_found=self._test(section.not_found, ("read", "not_found")),
        )

    def _login(self) -> Login | None:
        found = [(at, each.session) for at, each in enumerate(self._file.auth) if each.session is not None]
        if not found:
            return None
        at, section = found[0]
        where: KeyPath = ("auth", at, "session")
        endpoint = self._endpoint_name(section.endpoint, where)
        call = Call(
            operation=section.operation,
            endpoint=endpoint,
            body=self._branch(section.body, (*where, "body")),
            place=self._source.place((*where, "operation")),
            judge=Judge(codes=self._codes),
        )
        block = section.header_block
        return Login(
            call=call,
            token=self._xpath(section.token, (*where, "token")),
            expired=tuple(
                self._test(each, (*where, "expired", place)) for place, each in enumerate(section.expired)
            ),
            block=None if block is None else self._block(block, (*where, "header_block")),
            http_header={
                name: self._text(text, (*where, "http_header", name))
                for name, text in section.http_header.items()
            },
            body_fields=self._branch(section.body_fields, (*where, "body_fields")),
            logout=section.logout,
        )

    def _block(self, section: files.HeaderBlock, where: KeyPath) -> Block:
        return Block(
            element=section.element,
            vars={name: self._text(text, (*where, "vars", name)) for name, text in section.vars.items()},
            value=self._branch(section.value, (*where, "value")),
        )

    def _call(self, section: files.CallSection, where: KeyPath, judge: Judge) -> Call:
        return Call(
            operation=section.operation,
            endpoint=self._endpoint_name(section.endpoint, where),
            body=self._branch(section.body, (*where, "body")),
            place=self._source.place((*where, "operation")),
            judge=judge,
        )

    def _endpoint_name(self, name: str | None, where: KeyPath) -> str:
        if name is not None and name not in self._file.endpoints:
            message = f"`endpoints` has no `{name}`; {suggest(name, self._file.endpoints)}"
            self._problems.append(((*where, "endpoint"), message))
            return MAIN
        return name or MAIN

    def _branch(self, body: dict[str, Any], where: KeyPath) -> BranchNode:
        node = self._compiler.node(body, where)
        if isinstance(node, BranchNode):
            return node
        self._problems.append((where, "expected elements by their names"))
        return BranchNode({})

    def _rule(self, section: files.OutcomeSection, where: KeyPath) -> Rule:
        return Rule(
            test=self._test(section, where),
            kind=section.is_,
            code=None if section.code is None else self._xpath(section.code, (*where, "code")),
            message=None if section.message is None else self._xpath(section.message, (*where, "message")),
            hint=section.hint,
            retry_after=section.retry_after,
        )

    def _test(self, section: files.TestSection, where: KeyPath) -> Test:
        status = section.http_status
        return Test(
            when=None if section.when is None else self._xpath(section.when, (*where, "when")),
            http_status=frozenset([status] if isinstance(status, int) else status or ()),
            fault_code=self._pattern(section.fault_code, (*where, "fault_code")),
            fault_string=self._pattern(section.fault_string, (*where, "fault_string")),
            fault_detail=None
            if section.fault_detail is None
            else self._xpath(section.fault_detail, (*where, "fault_detail")),
            values=frozenset(section.in_),
        )

    def _code(self, section: files.ErrorSection, where: KeyPath) -> CodeRule:
        return CodeRule(
            code=section.code,
            pattern=self._pattern(section.match, (*where, "match")),
            kind=section.is_,
            hint=section.hint,
            retry_after=section.retry_after,
        )

    def _comparisons(self, compare: Mapping[str, str], where: KeyPath) -> tuple[Comparison, ...]:
        return tuple(
            Comparison(
                xpath=self._xpath(xpath, (*where, xpath)),
                text=xpath,
                expected=self._text(text, (*where, xpath)),
            )
            for xpath, text in compare.items()
        )

    def _captures(self, capture: Mapping[str, str], where: KeyPath) -> dict[str, XPath]:
        return {name: self._xpath(xpath, (*where, name)) for name, xpath in capture.items()}

    def _xpaths(self, xpaths: str | tuple[str, ...] | None, where: KeyPath) -> tuple[XPath, ...]:
        listed = (xpaths,) if isinstance(xpaths, str) else xpaths or ()
        return tuple(self._xpath(each, where) for each in listed)

    def _xpath(self, text: str, where: KeyPath) -> XPath:
        try:
            return compile_xpath(text, self._ns)
        except ValueError as error:
            self._problems.append((where, str(error)))
            return compile_xpath("false()", {})

    def _pattern(self, text: str | None, where: KeyPath) -> re.Pattern[str] | None:
        if text is None:
            return None
        try:
            return re.compile(text)
        except re.error as error:
            self._problems.append((where, f"`{text}` is no pattern: {error}"))
            return None

    def _text(self, text: str, where: KeyPath) -> Text:
        try:
            return parse_template(text)
        except ValueError as error:
            self._problems.append((where, str(error)))
            return ""

    def _contradictions(self, made: Profile) -> None:
        class_ = made.idempotency.class_
        if class_ == "lookup_only" and not made.lookups:
            message = "lookup_only needs `lookup`: nothing else can tell what the ERP has"
            self._problems.append((("idempotency", "class"), message))
        if not any(step.record_id for step in made.steps):
            self._problems.append((("steps", len(made.steps) - 1), "no step has a record_id"))
        kinds = {rule.kind for step in made.steps for rule in step.call.judge.rules}
        if Kind.DELIVERED not in kinds and Kind.ACCEPTED not in kinds:
            self._problems.append((("steps",), "no outcome says delivered or accepted"))
        if Kind.ACCEPTED in kinds and (made.in_doubt.then == "recreate" and class_ != "native"):
            message = "with an outcome `accepted`, not found does not mean absent: use hold"
            self._problems.append((("in_doubt", "then"), message))
        rate = made.limits.rate
        if rate is not None and rate.calls < made.calls_at_most:
            message = f"one record takes up to {made.calls_at_most} calls: it would wait for ever"
            self._problems.append((("limits", "rate", "calls"), message))
        if class_ == "unique" and not made.lookups and Kind.DUPLICATE in kinds:
            self._problems.append((("lookup",), "a duplicate gives its id by a lookup: name one"))

    def _names(self, made: Profile) -> None:
        """Refuse expressions that begin with nothing known, and settings that are not declared."""
        declared = {"settings": made.settings, "secrets": made.secrets}
        for where, template in self._templates(self._source.value, ()):
            for path in template.paths():
                if path[0] in declared and len(path) > 1 and path[1] not in declared[path[0]]:
                    message = f"`{path[0]}` declares no `{path[1]}`; {suggest(path[1], declared[path[0]])}"
                    self._problems.append((where, message))
                elif path[0] not in ROOTS and path[0] not in self._aliases(self._source.value):
                    message = f"`{'.'.join(path)}` begins with nothing known; {suggest(path[0], ROOTS)}"
                    self._problems.append((where, message))

    def _templates(self, value: Any, where: KeyPath) -> list[tuple[KeyPath, Template]]:
        if isinstance(value, dict):
            return [each for key, inner in value.items() for each in self._templates(inner, (*where, key))]
        if isinstance(value, list):
            return [each for at, inner in enumerate(value) for each in self._templates(inner, (*where, at))]
        if isinstance(value, str) and "${" in value:
            try:
                parsed = parse_template(value)
            except ValueError:
                return []
            return [(where, parsed)] if isinstance(parsed, Template) else []
        return []

    def _aliases(self, value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {str(value.get("$as", "line"))} if "$each" in value else set()
            return own.union(*(self._aliases(inner) for inner in value.values()))
        if isinstance(value, list):
            return set().union(*(self._aliases(inner) for inner in value))
        return set()
