"""Both sides of a comparison, as values, to what differs and to sums. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from connector.adapters.base import Found, HeldObject
from connector.errors import ConnectorError
from connector.mapping.difference import EXACT
from connector.pipeline.sides import Compared, Difference, Expected, Kind, Total, Values, is_like, unlike


def compare(
    expected: Sequence[Expected], held: Sequence[HeldObject], *, is_ours: Callable[[str], bool]
) -> Compared:
    """Compare documents with what the target has under their keys, and with what says the same besides.

    An object that has the key of another document is compared with that one, and is nobody's double.
    """
    by_key: defaultdict[str, list[HeldObject]] = defaultdict(list)
    besides: defaultdict[str, list[HeldObject]] = defaultdict(list)
    for each in held:
        if each.key is not None and is_ours(each.key):
            by_key[each.key].append(each)
        elif each.number is not None:
            besides[each.number].append(each)
    sums = _Sums()
    found: list[Difference] = []
    for document in expected:
        own = by_key.get(document.key, [])
        like = [
            each for each in besides.get(document.values.number or "", []) if is_like(document.values, each)
        ]
        difference = _judge(document, own, like)
        is_doubled = difference is not None and difference.kind is Kind.DOUBLED
        sums.add(document, [*own, *like] if is_doubled else own, is_uneven=difference is not None)
        if difference is not None:
            found.append(difference)
    return Compared(totals=sums.totals(), differences=tuple(found))


def _judge(document: Expected, own: Sequence[HeldObject], like: Sequence[HeldObject]) -> Difference | None:
    if document.record is None:
        words = f"the mapping makes no record of it: {document.problem}"
        return _difference(Kind.DIFFERENT if own else Kind.MISSING, words, document, own)
    if not own:
        words = "the target has no record of it"
        if like:
            words += f"; {like[0].id} says the same and has no key of ours: link it, or deliver"
        return _difference(Kind.MISSING, words, document, like)
    if len(own) + len(like) > 1:
        words = f"the target has it {len(own) + len(like)} times"
        if like:
            words += f"; without a key of ours: {', '.join(each.id for each in like)}"
        return _difference(Kind.DOUBLED, words, document, [*own, *like])
    wrong = list(unlike(document.values, own[0]))
    return _difference(Kind.DIFFERENT, "; ".join(wrong), document, own) if wrong else None


def compare_presence(expected: Sequence[Expected], answers: Mapping[str, Found]) -> Compared:
    """Compare documents with what a look-up says of each: there, not there, or what speaks against it."""
    sums = _Sums(tells_amounts=False)
    found: list[Difference] = []
    for document in expected:
        answer = answers.get(document.key)
        held: list[HeldObject] = []
        difference = None
        if document.record is None:
            difference = _judge(document, [], [])
        elif answer is None:
            difference = _difference(Kind.MISSING, "the target has no record of it", document, [])
        elif isinstance(answer, ConnectorError):
            difference = _difference(Kind.UNCLEAR, answer.message, document, [])
        else:
            held = [HeldObject(id=answer.id, key=document.key, url=answer.url)]
        sums.add(document, held, is_uneven=difference is not None)
        if difference is not None:
            found.append(difference)
    return Compared(totals=sums.totals(), differences=tuple(found))


def with_strangers(compared: Compared, strangers: Sequence[Difference]) -> Compared:
    """Add records of which no document of the period is ready."""
    sums = _Sums(of={(each.period, each.currency): each for each in compared.totals})
    for each in strangers:
        for held in each.held:
            sums.add_stranger(held)
    return Compared(totals=sums.totals(), differences=(*compared.differences, *strangers))


def _difference(kind: Kind, words: str, document: Expected, held: Iterable[HeldObject]) -> Difference:
    return Difference(
        kind=kind,
        words=words,
        document_id=document.document_id,
        key=document.key,
        headline=document.headline,
        values=document.values,
        held=tuple(held),
    )


@dataclass(slots=True, kw_only=True)
class _Sums:
    of: dict[tuple[str, str], Total] = field(default_factory=dict)
    tells_amounts: bool = True

    def add(self, document: Expected, own: Sequence[HeldObject], *, is_uneven: bool) -> None:
        head = document.headline
        amount = _first(document.values.amount, head.amount) or Decimal(0)
        total = self._total(document.created_on, document.values.currency or head.currency)
        self._put(
            replace(
                total,
                documents=total.documents + 1,
                documents_amount=EXACT.add(total.documents_amount, amount),
                differences=total.differences + is_uneven,
            )
        )
        for held in own:
            self._add_held(document.created_on, held, document.values)

    def add_stranger(self, held: HeldObject) -> None:
        total = self._total(held.created_at, held.currency)
        self._put(replace(total, differences=total.differences + 1))
        self._add_held(held.created_at, held, Values())

    def totals(self) -> tuple[Total, ...]:
        return tuple(self.of[key] for key in sorted(self.of))

    def _add_held(self, at: datetime | None, held: HeldObject, values: Values) -> None:
        # A target without a currency field has what the document says.
        total = self._total(at, held.currency or values.currency)
        amount = total.records_amount
        if amount is not None:
            amount = EXACT.add(amount, held.amount) if held.amount is not None else amount
        self._put(replace(total, records=total.records + 1, records_amount=amount))

    def _total(self, at: datetime | None, currency: str | None) -> Total:
        key = (f"{at:%Y-%m}" if at else "?", currency or "?")
        amount = Decimal(0) if self.tells_amounts else None
        return self.of.get(key) or Total(period=key[0], currency=key[1], records_amount=amount)

    def _put(self, total: Total) -> None:
        self.of[total.period, total.currency] = total


def _first(*amounts: Decimal | None) -> Decimal | None:
    return next((amount for amount in amounts if amount is not None), None)


def by_kind(differences: Iterable[Difference]) -> Iterator[tuple[Kind, int]]:
    """Count the differences of each kind, in the order of the kinds."""
    counts: defaultdict[Kind, int] = defaultdict(int)
    for each in differences:
        counts[each.kind] += 1
    return ((kind, counts[kind]) for kind in Kind if counts[kind])
