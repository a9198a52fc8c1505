"""Which field of a document fits which field of a target: by kind of value, by likeness of names. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from connector.adapters.base import TargetField
from connector.docflo.answers import TypeField

SURE = 75
"""From this likeness on (of 100), a match is proposed as a rule."""

LIKELY = 50
"""From this likeness on, it is named in a comment."""

_SAME_WORD = 85  # likeness of two words from which on they are one, misspelt

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_SAME: Mapping[str, str] = {
    **dict.fromkeys(("id", "no", "nr", "num"), "number"),
    **dict.fromkeys(("supplier", "creditor", "seller", "merchant"), "vendor"),
    **dict.fromkeys(("vat", "ust", "mwst"), "tax"),
    **dict.fromkeys(("qty", "count"), "quantity"),
    **dict.fromkeys(("amt", "net"), "amount"),
    **dict.fromkeys(("desc", "descr", "text"), "description"),
    **dict.fromkeys(("article", "item", "sku", "material", "part"), "product"),
    **dict.fromkeys(("gross", "grand"), "total"),
    **dict.fromkeys(("uom", "measure"), "unit"),
    "curr": "currency",
    "iso": "",
    "reference": "number",
    "ref": "number",
    "po": "purchase order",
}
_FITS: Mapping[str, frozenset[str]] = {
    "string": frozenset({"string", "integer", "decimal", "date", "datetime"}),
    "decimal": frozenset({"decimal", "integer"}),
    "integer": frozenset({"integer", "decimal"}),
    "date": frozenset({"date", "datetime"}),
    "datetime": frozenset({"datetime"}),
    "boolean": frozenset({"boolean"}),
    "currency": frozenset({"currency"}),
}
_OF_DOCFLO: Mapping[str, str] = {"boolean": "boolean", "date": "date", "number": "decimal"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One value of a document that a rule can read."""

    path: str  # from the document, or from the row
    name: str  # of the field: "InvoiceTotal"
    type: str  # in a mapping's words


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A target field, and the source that fits best; None when nothing does."""

    target: TargetField
    source: Source | None
    likeness: float = 0

    @property
    def is_sure(self) -> bool:
        """Tell whether it becomes a rule."""
        return self.source is not None and self.likeness >= SURE


def sources_of(fields: Sequence[TypeField], prefix: str = "") -> Iterator[Source]:
    """Give what can be read of these fields; lists are left out."""
    for field in fields:
        path, kind = f"{prefix}{_written(field.name)}", (field.type or "string").lower()
        if kind == "currency":
            yield Source(path=f"{path}.amount", name=field.name, type="decimal")
            yield Source(path=f"{path}.currencyCode", name=field.name, type="currency")
        elif kind == "object":
            yield from sources_of(field.fields, f"{path}.")
        elif kind not in {"array", "address", "country", "list", "dynamic_list"}:
            yield Source(path=path, name=field.name, type=_OF_DOCFLO.get(kind, "string"))


def match_fields(
    targets: Sequence[TargetField], sources: Sequence[Source], *, ignoring: Collection[str] = ()
) -> tuple[Match, ...]:
    """Give each target with its best source; one source serves one target, the best pairs first.

    `ignoring`: words that say nothing here, such as the name of the document type.
    """
    dropped = {"document", "transaction", *(word for text in ignoring for word in words(text))}
    pairs = sorted(
        (
            (-_likeness(target, source, dropped), at, number)
            for at, target in enumerate(targets)
            for number, source in enumerate(sources)
            if source.type in _FITS.get(_kind(target), frozenset())
        ),
    )
    taken: dict[int, tuple[int, float]] = {}
    used: set[int] = set()
    for likeness, at, number in pairs:
        if at not in taken and number not in used and -likeness >= LIKELY:
            taken[at] = (number, -likeness)
            if -likeness >= SURE:
                used.add(number)
    return tuple(_match(target, taken.get(at), sources) for at, target in enumerate(targets))


def _match(target: TargetField, found: tuple[int, float] | None, sources: Sequence[Source]) -> Match:
    if found is None:
        return Match(target=target, source=None)
    return Match(target=target, source=sources[found[0]], likeness=found[1])


def words(name: str) -> Sequence[str]:
    """Give a name as words that mean the same everywhere: `VendorTaxId__c` is vendor, tax, number."""
    plain = re.sub(r"__(c|r|pc)$", "", name)
    said = " ".join(_SAME.get(word.lower(), word.lower()) for word in _WORD.findall(plain))
    return tuple(said.replace("sub total", "subtotal").split())


def _kind(target: TargetField) -> str:
    # To a WSDL a code is any text: its name tells.
    is_text = target.type in {None, "string"}
    return "currency" if is_text and "currency" in words(target.name) else target.type or "string"


def _likeness(target: TargetField, source: Source, dropped: Collection[str]) -> float:
    if _kind(target) == "currency":
        # Codes have no names of their own: that of the total, or of the line's amount, stands for all.
        said = words(source.name)
        return 80 + 15 * ("total" in said) + 5 * ("amount" in said) - 10 * ("tax" in said)
    said = _telling(source.name, dropped)
    names = [_telling(name, dropped) for name in (target.name, target.label) if name]
    best = max((_alike(said, name) for name in names), default=0)
    return best if target.type in {None, source.type} else best - 5


def _alike(one: Sequence[str], other: Sequence[str]) -> float:
    return max(_shared(one, other), _shared(_core(one), _core(other)) - 10)


def _shared(one: Sequence[str], other: Sequence[str]) -> float:
    """Give the share of words that both have, misspelt ones too; letters alone liken `sum` to `subtotal`."""
    common = sum(any(fuzz.ratio(word, each) >= _SAME_WORD for each in other) for word in one)
    joined = fuzz.ratio("".join(one), "".join(other))
    return max(200 * common / (len(one) + len(other)), joined if joined >= _SAME_WORD else 0)


def _core(said: Sequence[str]) -> Sequence[str]:
    """Leave out what says little beside other words: TotalTax is the tax, MerchantName the merchant."""
    for empty in ("amount", "total", "name"):
        said = [word for word in said if word != empty] or said
    return said


def _telling(name: str, dropped: Collection[str]) -> Sequence[str]:
    # What is called like the document itself is its number: PurchaseOrder of a purchase order.
    return [word for word in words(name) if word not in dropped] or ["number"]


def _written(name: str) -> str:
    return name if re.fullmatch(r"\w+", name) and name != "document" else f'"{name}"'
