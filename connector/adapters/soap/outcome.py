"""What a reply means: the profile's rules in their order, then what is safe to assume of any ERP. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from connector.adapters.soap.reply import Fault, Reply, XPath


class Kind(StrEnum):
    """What became of a call, as far as is known."""

    DELIVERED = "delivered"
    ACCEPTED = "accepted"  # taken, not yet posted: a lookup will tell
    DUPLICATE = "duplicate"  # the ERP has it already: a lookup gives its id
    REJECTED = "rejected"  # read and refused, nothing done
    RETRY = "retry"  # refused for now, nothing done
    THROTTLED = "throttled"  # refused because of a limit, nothing done
    AUTH = "auth"  # credentials or rights
    CONFIG = "config"  # the profile or the address is wrong
    IN_DOUBT = "in_doubt"  # it may have been done


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """What a reply must be like. All that is given must hold."""

    when: XPath | None = None
    http_status: frozenset[int] = frozenset()
    fault_code: re.Pattern[str] | None = None
    fault_string: re.Pattern[str] | None = None
    fault_detail: XPath | None = None
    values: frozenset[str] = frozenset()  # one of these must be what `fault_detail` or `when` finds

    @property
    def can_hold(self) -> bool:
        """Whether any reply at all can be like this."""
        return self.when is None or self.when.path.strip() != "false()"

    def holds(self, reply: Reply) -> bool:
        """Tell whether it does."""
        fault = reply.fault
        if self.http_status and reply.status not in self.http_status:
            return False
        if self.fault_code and not any(
            self.fault_code.search(code) for code in (fault.codes if fault else ())
        ):
            return False
        if self.fault_string and (fault is None or self.fault_string.search(fault.string) is None):
            return False
        if self.fault_detail is not None and not _finds(self.fault_detail, _detail(reply), self.values):
            return False
        return self.when is None or _finds(
            self.when, reply.envelope, self.values if self.fault_detail is None else frozenset()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A reply like this means that."""

    test: Test
    kind: Kind
    code: XPath | None = None
    message: XPath | None = None
    hint: str = ""
    retry_after: float | None = None  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRule:
    """What one of the ERP's own codes or messages means."""

    code: str | None  # without regard to case
    pattern: re.Pattern[str] | None  # of the message, where the ERP has no codes
    kind: Kind
    hint: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a reply means, in the ERP's words."""

    kind: Kind
    status: int | None = None
    code: str = ""
    message: str = ""
    hint: str = ""
    retry_after: float | None = None

    def words(self) -> str:
        """Give the ERP's words on one line."""
        status = f"HTTP {self.status}" if self.status not in (None, 200) and not self.code else ""
        return (
            ": ".join(part for part in (self.code or status, self.message) if part) or "no reason was given"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """The rules of one call."""

    rules: tuple[Rule, ...] = ()
    codes: tuple[CodeRule, ...] = ()

    def judge(self, reply: Reply) -> Verdict:
        """Give what a reply means: the first rule that fits, refined by the ERP's code; else what is safe."""
        for rule in self.rules:
            if rule.test.holds(reply):
                verdict = self._ruled(rule, reply)
                return verdict if verdict.kind is Kind.DELIVERED else self._refined(verdict)
        return self._refined(_default(reply))

    def _ruled(self, rule: Rule, reply: Reply) -> Verdict:
        fault = reply.fault
        code = reply.text(rule.code) if rule.code is not None else _fault_code(fault)
        told = fault.string if fault is not None else ""
        message = reply.text(rule.message) if rule.message is not None else told
        return Verdict(
            kind=rule.kind,
            status=reply.status,
            code=code,
            message=message,
            hint=rule.hint,
            retry_after=_wait(reply) if rule.retry_after is None else rule.retry_after,
        )

    def _refined(self, verdict: Verdict) -> Verdict:
        for rule in self.codes:
            is_code = rule.code is not None and rule.code.casefold() == verdict.code.casefold()
            is_message = rule.pattern is not None and rule.pattern.search(verdict.message) is not None
            if is_code or is_message:
                return replace(
                    verdict,
                    kind=rule.kind,
                    hint=rule.hint or verdict.hint,
                    retry_after=verdict.retry_after if rule.retry_after is None else rule.retry_after,
                )
        return verdict


def _default(reply: Reply) -> Verdict:
    """Give what a reply means where no rule knows it.

    Only what proves that nothing was done is anything else than in doubt: a gateway's page says nothing of
    what is behind it, and a fault of the server's may come after the work.
    """
    fault = reply.fault
    verdict = Verdict(
        kind=Kind.IN_DOUBT,
        status=reply.status,
        code=_fault_code(fault),
        message=fault.string if fault else reply.why_not or "the answer passes no test of the profile",
        retry_after=_wait(reply),
    )
    if reply.status in {401, 403}:
        hint = "Check the credentials and rights of the integration user."
        return replace(verdict, kind=Kind.AUTH, hint=hint)
    if fault is not None:
        return replace(verdict, kind=Kind.REJECTED) if fault.is_ours else verdict
    if reply.status in _ADDRESS:
        return replace(verdict, kind=Kind.CONFIG, hint=_ADDRESS[reply.status])
    return verdict


_ADDRESS: Mapping[int, str] = {
    404: "Check binding.address: nothing answers there.",
    405: "Check binding.address: it takes no POST.",
    413: "The message is too long for the server.",
    415: "Check binding.port: the server takes another version of SOAP.",
}


def _finds(xpath: XPath, node: object, values: frozenset[str]) -> bool:
    if node is None:
        return False
    found = xpath(node)
    if not values:
        return bool(found)
    texts = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return any(
        (each if isinstance(each, str) else "".join(each.itertext())).strip() in values for each in texts
    )


def _detail(reply: Reply) -> object:
    return reply.fault.detail if reply.fault is not None else None


def _fault_code(fault: Fault | None) -> str:
    return fault.codes[-1] if fault is not None and fault.codes else ""


def _wait(reply: Reply) -> float | None:
    told = reply.headers.get("Retry-After", "").strip()
    return float(told) if re.fullmatch(r"\d{1,6}", told) else None
