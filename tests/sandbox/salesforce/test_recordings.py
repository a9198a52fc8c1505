"""What public recordings and fixtures of real orgs show, asked of the sandbox: keys, codes and statuses.

The org has objects of its own; only shapes are compared. Each test names the repository.
"""

from typing import Any

import pytest

from connector.sandbox.salesforce.catalog import system_fields
from connector.sandbox.salesforce.schema import Field, ObjectType
from tests.sandbox.salesforce.org import MakeOrg, Org

DATA = "/services/data/v66.0"

COMPANY = ObjectType(
    name="Account",
    label="Account",
    label_plural="Accounts",
    key_prefix="001",
    fields=(*system_fields(), Field(name="Name", label="Name", type="string", length=80, nillable=False)),
)
PERSON = ObjectType(
    name="Contact",
    label="Contact",
    label_plural="Contacts",
    key_prefix="003",
    fields=(
        *system_fields(),
        Field(name="LastName", label="Last Name", type="string", length=80, nillable=False),
        Field(name="Email", label="Email", type="email", length=80, id_lookup=True),
    ),
)


@pytest.fixture
def crm(make_org: MakeOrg) -> Org:
    return make_org(objects=(COMPANY, PERSON))


def contact(last_name: str, email: str) -> dict[str, Any]:
    return {"LastName": last_name, "Email": email, "attributes": {"type": "Contact"}}


def test_a_collection_upsert_by_a_field_that_stands_for_an_id(crm: Org) -> None:
    """SFDO-Tooling/CumulusCI, TestUpsert.test_simple_upsert__rest: first all are created, then some found."""
    path = "/composite/sobjects/Contact/Email"
    first = [contact("A", "a@x.example"), contact("B", "B@x.example")]
    again = [contact("C", "b@x.example"), contact("D", "d@x.example")]
    answers = [
        crm.send("PATCH", path, {"allOrNone": False, "records": records}) for records in (first, again)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [[row["created"] for row in answer.json()] for answer in answers] == [[True, True], [False, True]]
    for row in answers[1].json():
        assert list(row) == ["id", "success", "errors", "created"]
        assert (row["success"], row["errors"]) == (True, [])


def test_a_plain_create_answers_201_without_created(crm: Org) -> None:
    """SFDO-Tooling/CumulusCI, TestUpsert…duplicate_error: the address ends with a slash."""
    answer = crm.send("POST", "/sobjects/Account/", {"Name": "a"})
    assert (answer.status_code, list(answer.json())) == (201, ["id", "success", "errors"])


def test_a_query_in_small_letters_answers_with_records_that_name_their_address(crm: Org) -> None:
    """SFDO-Tooling/CumulusCI, TestUpsert…duplicate_error: `/query/?q=select+Id%2CName+from+Account`."""
    account = crm.sandbox.insert("Account", {"Name": "a"})
    answer = crm.client.get(f"{DATA}/query/?q=select+Id%2CName+from+Account").json()
    assert answer == {
        "totalSize": 1,
        "done": True,
        "records": [
            {
                "attributes": {"type": "Account", "url": f"{DATA}/sobjects/Account/{account}"},
                "Id": account,
                "Name": "a",
            }
        ],
    }


def test_the_number_of_records_leaves_empty_objects_out(crm: Org) -> None:
    """SFDO-Tooling/CumulusCI, TestUpsert…duplicate_error: `/limits/recordCount`, with and without records."""
    crm.sandbox.insert("Account", {"Name": "a"})
    answer = crm.send("GET", "/limits/recordCount?sObjects=Account,Contact").json()
    assert answer == {"sObjects": [{"count": 1, "name": "Account"}]}


def test_queries_inside_a_composite_are_written_with_spaces(crm: Org) -> None:
    """SFDO-Tooling/CumulusCI, TestCompositeParallelSalesforce.test_reference_ids."""
    crm.sandbox.insert("Account", {"Name": "a"})
    query = "query?q=SELECT Name FROM Account LIMIT 1"
    parts = [{"referenceId": name, "method": "GET", "url": f"{DATA}/{query}"} for name in ("one", "two")]
    answers = crm.send("POST", "/composite", {"compositeRequest": parts}).json()["compositeResponse"]
    assert [answer["referenceId"] for answer in answers] == ["one", "two"]
    for answer in answers:
        assert list(answer) == ["body", "httpHeaders", "httpStatusCode", "referenceId"]
        assert (answer["httpStatusCode"], answer["httpHeaders"]) == (200, {})
        assert answer["body"]["records"][0]["Name"] == "a"


def test_a_session_that_ended_and_a_login_that_fails_have_different_shapes(crm: Org) -> None:
    """restforce/restforce, expired_session_response.json and auth_error_response.json."""
    login = crm.log_in(grant_type="client_credentials", client_id="sandbox-consumer", client_secret="x")
    assert (login.status_code, set(login.json())) == (400, {"error", "error_description"})
    crm.sandbox.revoke_tokens()
    answer = crm.send("GET", "/sobjects")
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_pages_follow_each_other_by_address_and_the_last_has_none(make_org: MakeOrg) -> None:
    """restforce/restforce, query_paginated_first_page_response.json and …last_page…."""
    org = make_org(objects=(COMPANY,), query_page_size=1)
    for name in "ab":
        org.sandbox.insert("Account", {"Name": name})
    first = org.query("SELECT Name FROM Account").json()
    assert (first["totalSize"], first["done"]) == (2, False)
    assert first["nextRecordsUrl"].startswith(f"{DATA}/query/01g")
    last = org.client.get(first["nextRecordsUrl"]).json()
    assert (last["totalSize"], last["done"], "nextRecordsUrl" in last) == (2, True, False)


def test_each_limit_has_a_most_and_a_rest(crm: Org) -> None:
    """apache/camel, dto/limits.json."""
    limits = crm.send("GET", "/limits").json()
    assert {"DailyApiRequests", "DailyAsyncApexExecutions", "DataStorageMB", "FileStorageMB"} <= set(limits)
    assert all(set(limit) == {"Max", "Remaining"} for limit in limits.values())


def test_an_unknown_field_of_a_query_is_an_array_of_one_error(crm: Org) -> None:
    """restforce/restforce, query_error_response.json."""
    answer = crm.query("SELECT Nothing FROM Account")
    (error,) = answer.json()
    assert (answer.status_code, set(error), error["errorCode"]) == (
        400,
        {"message", "errorCode"},
        "INVALID_FIELD",
    )
