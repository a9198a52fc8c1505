"""The strict ERP: what it stores, what it finds and when, and in which words it refuses."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from tests.sandbox.erp.desk import ENVELOPE, Desk, code, fault, invoice

SHARES = (
    "<p:allocations><p:allocation><p:costCenter>C1</p:costCenter><p:percent>60</p:percent></p:allocation>"
    "<p:allocation><p:costCenter>C2</p:costCenter><p:project>P9</p:project><p:percent>{rest}</p:percent>"
    "</p:allocation></p:allocations>"
)


def test_an_invoice_is_stored_with_its_lines_and_their_allocations(desk: Desk) -> None:
    answer = desk.call(invoice(allocations=SHARES.format(rest="40")))

    (row,) = desk.erp.rows()
    assert (code(answer), answer.findtext("{*}id/{*}number")) == ("OK", "VI-000001")
    assert (row.key, row.fiscal_year, row.values["netTotal"]) == ("K-1", 2026, "100.00")
    assert row.values["lines"][0]["allocations"][1] == {"costCenter": "C2", "project": "P9", "percent": "40"}


def test_a_repeated_create_makes_a_second_row(desk: Desk) -> None:
    desk.call(invoice())
    desk.call(invoice())

    assert desk.erp.rows_by_key() == {"K-1": 2}
    assert desk.find() == ["VI-000001", "VI-000002"]
    assert [effect.kind for effect in desk.erp.journal.effects] == ["created", "created"]


def test_an_invoice_is_found_by_supplier_and_number(desk: Desk) -> None:
    desk.call(invoice())
    wanted = "<m:supplier>S-1</m:supplier><m:supplierInvoiceNumber>{}</m:supplierInvoiceNumber>"
    find = "<m:FindVendorInvoices><m:criteria>{}</m:criteria></m:FindVendorInvoices>"

    found = desk.call(find.format(wanted.format("INV-7")))
    other = desk.call(find.format(wanted.format("INV-8")))

    assert found.findtext(".//{*}stored/{*}invoice/{*}ourReference") == "K-1"
    assert other.find(".//{*}stored") is None


def test_a_posted_invoice_leaves_the_open_ones(desk: Desk) -> None:
    desk.call(invoice())

    desk.call(desk.id_call("PostVendorInvoice"))

    assert (desk.find(), desk.find(operation="FindPostedVendorInvoices")) == ([], ["VI-000001"])
    assert code(desk.call(desk.id_call("PostVendorInvoice"))) == "ALREADY_POSTED"
    assert desk.call(desk.id_call("ReadVendorInvoice")).findtext("{*}stored/{*}status") == "Posted"


def test_reading_what_is_not_there_is_said_in_a_200(desk: Desk) -> None:
    assert code(desk.call(desk.id_call("ReadVendorInvoice", "VI-000009"))) == "NOT_FOUND"


def test_a_new_row_is_found_only_after_the_lag(desk: Desk) -> None:
    desk.erp.behave(lag=timedelta(seconds=5))
    desk.call(invoice())

    before = desk.find()
    desk.clock.advance(5)

    assert (before, desk.find()) == ([], ["VI-000001"])


def test_orders_and_receipts_are_stored_and_found(desk: Desk) -> None:
    desk.call(
        "<m:CreatePurchaseOrder><m:order><p:ourReference>K-2</p:ourReference><p:supplier>S-1</p:supplier>"
        "<p:orderNumber>PO-1</p:orderNumber><p:orderDate>2026-03-01</p:orderDate><p:currency>EUR</p:currency>"
        "<p:total>5.00</p:total><p:lines/></m:order></m:CreatePurchaseOrder>"
    )
    desk.call(
        "<m:CreateReceipt><m:receipt><p:ourReference>K-3</p:ourReference><p:merchant>Kiosk</p:merchant>"
        "<p:paidAt>2026-03-01T12:00:00Z</p:paidAt><p:currency>EUR</p:currency><p:total>5.00</p:total>"
        "</m:receipt></m:CreateReceipt>"
    )

    orders = desk.call("<m:FindPurchaseOrders><m:ourReference>K-2</m:ourReference></m:FindPurchaseOrders>")
    receipts = desk.call("<m:FindReceipts><m:ourReference>K-3</m:ourReference></m:FindReceipts>")

    assert orders.findtext(".//{*}id/{*}number") == "PO-000001"
    assert receipts.findtext(".//{*}id/{*}number") == "GR-000001"


@pytest.mark.parametrize(
    ("habits", "changes", "expected"),
    [
        ({"suppliers": {"S-2"}}, {}, "UNKNOWN_SUPPLIER"),
        ({"accounts": {"5000"}}, {}, "UNKNOWN_ACCOUNT"),
        ({"closed_before": date(2026, 3, 2)}, {}, "PERIOD_CLOSED"),
        ({"locked_suppliers": {"S-1"}}, {}, "RECORD_LOCKED"),
        ({}, {"net": "100.01"}, "TOTAL_MISMATCH"),
        ({}, {"allocations": SHARES.format(rest="39.99")}, "ALLOCATION_MISMATCH"),
    ],
)
def test_business_refusals_come_as_200_and_store_nothing(
    desk: Desk, habits: dict[str, object], changes: dict[str, str], expected: str
) -> None:
    desk.erp.behave(**habits)

    answer = desk.call(invoice(**changes))

    assert (code(answer), answer.findtext("{*}result/{*}severity")) == (expected, "Error")
    assert desk.erp.rows() == ()


def test_an_erp_with_unique_numbers_refuses_the_second_one(desk: Desk) -> None:
    desk.erp.behave(unique_numbers=True)
    desk.call(invoice("K-1"))

    assert code(desk.call(invoice("K-2"))) == "DUPLICATE_NUMBER"
    assert len(desk.erp.rows()) == 1


def test_a_warning_stores_the_invoice(desk: Desk) -> None:
    answer = desk.call(invoice(due="<p:dueDate>2026-02-01</p:dueDate>"))

    assert (code(answer), answer.findtext("{*}result/{*}severity")) == ("DUE_BEFORE_INVOICE", "Warning")
    assert len(desk.erp.rows()) == 1


def test_an_error_after_saving_leaves_the_row(desk: Desk) -> None:
    desk.erp.behave(fail_after_save=True)

    assert code(desk.call(invoice())) == "AFTER_SAVE_FAILED"
    assert len(desk.erp.rows()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "N" * 36},
        {"net": "100.001"},
        {"net": "1e2"},
        {"date": "2026-03-01T00:00:00"},
        {"due": ""},
        {"due": "<p:dueDate>2026-04-01</p:dueDate><p:paymentTerms>30D</p:paymentTerms>"},
        {"supplier": ""},
    ],
    ids=[
        "too long",
        "too many decimals",
        "exponent",
        "dateTime for date",
        "no branch",
        "both branches",
        "empty",
    ],
)
def test_what_does_not_fit_the_schema_is_a_client_fault(desk: Desk, changes: dict[str, str]) -> None:
    assert fault(desk.post(invoice(**changes))) == (500, "soap:Client", "")
    assert desk.erp.rows() == ()


def test_a_database_that_is_off_is_a_server_fault(desk: Desk) -> None:
    desk.erp.behave(database_off=True)

    assert fault(desk.post(invoice())) == (500, "soap:Server", "DATABASE_OFF")


def test_calls_beyond_the_limit_are_refused_before_they_do_anything(desk: Desk) -> None:
    desk.erp.behave(concurrency=1, work_seconds=0.5)

    with ThreadPoolExecutor(4) as pool:
        responses = list(pool.map(lambda n: desk.post(invoice(f"K-{n}")), range(4)))

    busy = [fault(response) for response in responses if response.status_code == 500]
    assert set(busy) == {(500, "soap:Server.Busy", "TOO_MANY_REQUESTS")}
    assert len(busy) + len(desk.erp.rows()) == 4


def test_a_caller_that_leaves_does_not_stop_the_work(desk: Desk) -> None:
    desk.erp.behave(work_seconds=0.6)

    with pytest.raises(Exception, match="timed out"):
        desk.client.post(
            f"{desk.url}/erp/soap",
            content=ENVELOPE.format(headers="", call=invoice()).encode(),
            headers={"content-type": "text/xml"},
            timeout=0.05,
        )
    rows_at_once = desk.erp.rows()
    end = time.monotonic() + 10
    while not desk.erp.rows() and time.monotonic() < end:
        time.sleep(0.02)

    assert (rows_at_once, len(desk.erp.rows())) == ((), 1)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"not xml", "soap:Client"),
        (b"<order/>", "soap:Client"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "soap:Client"),
        (
            b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body/></e:Envelope>',
            "soap:VersionMismatch",
        ),
    ],
    ids=["not xml", "no envelope", "document type", "SOAP 1.2"],
)
def test_what_is_not_a_soap_11_call_is_refused(desk: Desk, content: bytes, expected: str) -> None:
    response = desk.client.post(f"{desk.url}/erp/soap", content=content, headers={"content-type": "text/xml"})

    assert fault(response)[1] == expected


def test_another_content_type_is_refused(desk: Desk) -> None:
    assert desk.post(invoice(), **{"content-type": "application/json"}).status_code == 415


def test_a_header_that_must_be_understood_and_is_not_is_refused(desk: Desk) -> None:
    assert fault(desk.post(invoice(), '<c:Odd s:mustUnderstand="1"/>'))[1] == "soap:MustUnderstand"


def test_basic_is_asked_for_and_checked(desk: Desk) -> None:
    desk.erp.behave(login="basic")
    good = base64.b64encode(b"erp-user:erp-password").decode()

    refused = desk.post(invoice())
    wrong = desk.post(invoice(), authorization="Basic " + base64.b64encode(b"erp-user:no").decode())

    assert (refused.status_code, wrong.status_code) == (401, 401)
    assert refused.headers["www-authenticate"].startswith("Basic")
    assert desk.post(invoice(), authorization=f"Basic {good}").status_code == 200


def test_a_session_is_opened_used_and_ended(desk: Desk) -> None:
    desk.erp.behave(login="session", session_lifetime=timedelta(minutes=1))
    login = "<m:Login><m:user>erp-user</m:user><m:password>{}</m:password></m:Login>"
    session_id = desk.call(login.format("erp-password")).findtext("{*}sessionId")
    header = f"<c:Session><c:sessionId>{session_id}</c:sessionId></c:Session>"

    assert code(desk.call(login.format("wrong"))) == "LOGIN_FAILED"
    assert fault(desk.post(invoice()))[1] == "soap:Client.SessionExpired"
    assert code(desk.call(invoice(), header)) == "OK"
    desk.clock.advance(60)
    assert fault(desk.post(invoice(), header))[1] == "soap:Client.SessionExpired"


def test_sessions_end_with_the_server(desk: Desk) -> None:
    desk.erp.behave(login="session")
    login = "<m:Login><m:user>erp-user</m:user><m:password>erp-password</m:password></m:Login>"
    session_id = desk.call(login).findtext("{*}sessionId")

    desk.erp.end_sessions()

    header = f"<c:Session><c:sessionId>{session_id}</c:sessionId></c:Session>"
    assert fault(desk.post(invoice(), header))[1] == "soap:Client.SessionExpired"
