"""Who may ask, how often, and how a refusal looks."""

import httpx
import pytest

from connector.sandbox.faults import Fault
from tests.sandbox.docflo.reach import Serve, SetClock, make_sandbox_document, refused


@pytest.mark.parametrize(
    "headers",
    [
        {"apiKey": "wrong"},
        {"apiKey": ""},
        {"x-tenant-id": "another-tenant"},
        {"x-tenant-id": ""},
    ],
)
def test_a_wrong_or_missing_credential_is_401(serve: Serve, headers: dict[str, str]) -> None:
    docflo = serve()

    answer = docflo.client.get("/docs/v1/document", headers=headers)

    assert refused(answer, 401)["code"] == "UNAUTHORIZED"


def test_no_credentials_at_all_is_401(serve: Serve) -> None:
    docflo = serve()

    answer = httpx.get(docflo.client.base_url.join("/docs/v1/types/enabled"))

    refused(answer, 401)


def test_a_key_without_the_right_for_a_service_is_403_there_and_works_elsewhere(serve: Serve) -> None:
    docflo = serve(api_keys={"sandbox-key": {"docs"}})

    assert "auth" in refused(docflo.client.post("/auth/v1/guest-token"), 403)["details"]
    refused(docflo.client.get("/logs/v1/log"), 403)
    assert docflo.rows() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("GET", "/docs/v1/document/"),
        ("DELETE", "/docs/v1/document"),
        ("GET", "/docs/v2/document"),
    ],
)
def test_an_unknown_path_or_method_is_404_in_the_envelope(serve: Serve, method: str, path: str) -> None:
    docflo = serve()

    refused(docflo.client.request(method, path), 404)


def test_a_fault_of_the_sandbox_is_500_in_the_envelope(serve: Serve) -> None:
    document = make_sandbox_document(fields={"VendorName": object()})
    docflo = serve(documents=[document])

    answer = docflo.client.get(f"/docs/v1/document/byId/{document.id}")

    assert refused(answer, 500)["code"] == "INTERNAL_ERROR"


def test_each_answer_tells_the_rate_also_when_it_refuses(serve: Serve, clock: SetClock) -> None:
    docflo = serve(rate_limit=10)
    paths = ("/docs/v1/document", "/nowhere", "/docs/v1/document/byId/none")

    answers = [docflo.client.get(path) for path in paths]

    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["9", "8", "7"]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"10"}
    assert {answer.headers["X-RateLimit-Reset"] for answer in answers} == {
        str(int(clock.now.timestamp()) + 3600)
    }


def test_a_refused_key_is_told_a_rate_and_spends_nobody_elses(serve: Serve) -> None:
    docflo = serve(rate_limit=10)

    refused = docflo.client.get("/docs/v1/document", headers={"apiKey": "wrong"})
    allowed = docflo.client.get("/docs/v1/document")

    assert refused.headers["X-RateLimit-Remaining"] == "9"
    assert allowed.headers["X-RateLimit-Remaining"] == "9"


def test_a_spent_hour_is_429_until_the_reset(serve: Serve, clock: SetClock) -> None:
    docflo = serve(rate_limit=2)

    answers = [docflo.client.get("/docs/v1/types/enabled") for _ in range(3)]
    clock.advance(minutes=59, seconds=59)
    still = docflo.client.get("/docs/v1/types/enabled")
    clock.advance(seconds=1)
    again = docflo.client.get("/docs/v1/types/enabled")

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert refused(answers[2], 429)["code"] == "RATE_LIMIT_EXCEEDED"
    assert answers[2].headers["X-RateLimit-Remaining"] == "0"
    assert "retry-after" not in answers[2].headers
    assert (still.status_code, again.status_code) == (429, 200)
    assert again.headers["X-RateLimit-Remaining"] == "1"


def test_a_request_over_the_limit_has_no_effect(serve: Serve) -> None:
    document = make_sandbox_document()
    docflo = serve(rate_limit=0, documents=[document])

    refused(docflo.patch(f"/docs/v1/document/info/{document.id}", {"status": "CONFIRMED"}), 429)

    assert docflo.sandbox.status(document.id) == "APPROVED"


def test_without_a_limit_nothing_is_told_about_it(serve: Serve) -> None:
    docflo = serve(rate_limit=None)

    answer = docflo.client.get("/docs/v1/types/enabled")

    assert "X-RateLimit-Limit" not in answer.headers


def test_every_request_is_recorded_under_the_name_of_its_endpoint(serve: Serve) -> None:
    docflo = serve()

    docflo.client.get("/docs/v1/document", params={"top": "5"})
    docflo.client.patch("/docs/v1/document/info/none", content=b"{}")
    docflo.client.get("/nowhere")

    recorded = [(entry.operation, entry.status) for entry in docflo.sandbox.journal.requests]
    assert recorded == [("list", 200), ("update_status", 400), ("unknown", 404)]
    assert docflo.sandbox.journal.requests[0].query == {"top": "5"}


def test_a_planned_fault_hits_the_named_endpoint_only(serve: Serve) -> None:
    docflo = serve()
    docflo.sandbox.faults.add(Fault(kind="status", operation="list", status=502))

    assert docflo.client.get("/docs/v1/types/enabled").status_code == 200
    assert docflo.client.get("/docs/v1/document").status_code == 502
    assert docflo.client.get("/docs/v1/document").status_code == 200


def test_a_lost_answer_leaves_the_change_and_its_record(serve: Serve) -> None:
    document = make_sandbox_document()
    docflo = serve(documents=[document])
    docflo.sandbox.faults.add(Fault(kind="drop_after", operation="update_status"))

    with pytest.raises(httpx.RemoteProtocolError):
        docflo.patch(f"/docs/v1/document/info/{document.id}", {"status": "CONFIRMED"})

    assert docflo.sandbox.status(document.id) == "CONFIRMED"
    assert [(effect.kind, effect.values) for effect in docflo.sandbox.journal.effects] == [
        ("status", {"status": "CONFIRMED"})
    ]
