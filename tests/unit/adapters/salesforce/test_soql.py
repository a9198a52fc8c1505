from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connector.adapters.salesforce.soql import find_by_id, find_by_key
from connector.errors import UnavailableError, UnexpectedResponseError


def row(record_id: str, key: str) -> dict[str, Any]:
    return {"attributes": {"type": "X__c"}, "Id": record_id, "Key__c": key}


def page(*rows: dict[str, Any], then: str | None = None) -> dict[str, Any]:
    more = {} if then is None else {"nextRecordsUrl": then}
    return {"totalSize": len(rows), "done": then is None, "records": list(rows), **more}


class Pages:
    """Answers that come one after the other."""

    def __init__(self, *pages: Any) -> None:
        self.pages = list(pages)
        self.paths: list[str] = []

    def __call__(self, path: str) -> object:
        self.paths.append(path)
        return self.pages.pop(0)

    @property
    def queries(self) -> list[str]:
        return [parse_qs(urlsplit(path).query)["q"][0] for path in self.paths]


def test_keys_are_escaped_and_sent_once() -> None:
    read = Pages(page())

    find_by_key(read, "66.0", "X__c", "Key__c", ["it's", "it's", "back\\slash", "a&b+c %"])

    assert read.queries == [r"SELECT Id, Key__c FROM X__c WHERE Key__c IN ('it\'s','back\\slash','a&b+c %')"]


def test_a_usual_address_needs_no_escapes() -> None:
    read = Pages(page())

    find_by_key(read, "66.0", "X__c", "Key__c", ["t:p:1", "t:p:2"])

    where = "SELECT+Id,+Key__c+FROM+X__c+WHERE+Key__c+IN+('t:p:1','t:p:2')"
    assert read.paths == [f"/services/data/v66.0/query?q={where}"]


def test_every_page_is_read() -> None:
    read = Pages(page(row("1", "a"), then="/services/data/v66.0/query/01g-2000"), page(row("2", "b")))

    found = find_by_key(read, "66.0", "X__c", "key__c", ["a", "b"])

    assert found == {"a": ["1"], "b": ["2"]}
    assert read.paths[1] == "/services/data/v66.0/query/01g-2000"


def test_two_records_with_one_key_are_both_told() -> None:
    found = find_by_key(Pages(page(row("1", "a"), row("2", "a"))), "66.0", "X__c", "Key__c", ["a"])

    assert found == {"a": ["1", "2"]}


def test_many_keys_are_shared_out_over_queries_that_an_address_can_hold() -> None:
    keys = [f"ключ-{index:04}" + "ש" * 50 for index in range(100)]
    read = Pages(*[page()] * 100)

    find_by_key(read, "66.0", "X__c", "Key__c", keys)

    assert len(read.paths) > 1
    assert max(len(path) for path in read.paths) < 16_000
    assert all(sum(f"'{key}'" in query for query in read.queries) == 1 for key in keys)


def test_no_keys_ask_nothing() -> None:
    assert find_by_key(Pages(), "66.0", "X__c", "Key__c", []) == {}


@pytest.mark.parametrize(
    "answers",
    [
        [None],
        [[]],
        [{}],
        [{"records": None, "done": True}],
        [{"records": [1], "done": True}],
        [{"records": [{"Id": "1"}], "done": True}],
        [{"records": []}],
        [page(then="https://elsewhere.example/x")],
        [page(then="/services/a"), page(then="/services/a")],
    ],
    ids=str,
)
def test_an_answer_that_does_not_tell_is_never_absence(answers: list[Any]) -> None:
    with pytest.raises(UnexpectedResponseError, match="query"):
        find_by_key(Pages(*answers), "66.0", "X__c", "Key__c", ["a"])


def test_a_failed_page_is_never_absence() -> None:
    def fail(_: str) -> object:
        raise UnavailableError("down")

    with pytest.raises(UnavailableError):
        find_by_key(fail, "66.0", "X__c", "Key__c", ["a"])


@pytest.mark.parametrize("nonsense", ["", "a01", "no id'; --", "a01Sb0000000001IA!", "a01Sb0000000001IAAA"])
def test_what_can_be_no_id_is_not_asked_for(nonsense: str) -> None:
    def read(_path: str) -> object:
        pytest.fail("asked")

    assert find_by_id(read, "66.0", "Invoice__c", nonsense) is None
