import pytest

from connector.adapters.base import TargetField
from connector.cli.matching import Match, match_fields, sources_of, words
from connector.docflo.answers import TypeField

INVOICE = (
    TypeField(name="InvoiceId", type="string"),
    TypeField(name="InvoiceDate", type="date"),
    TypeField(name="DueDate", type="date"),
    TypeField(name="VendorName", type="string"),
    TypeField(name="VendorTaxId", type="string"),
    TypeField(name="SubTotal", type="currency"),
    TypeField(name="TotalTax", type="currency"),
    TypeField(name="InvoiceTotal", type="currency"),
)


def match(name: str, type_: str = "string", label: str = "") -> Match:
    target = TargetField(name=name, type=type_, label=label)
    [found] = match_fields([target], list(sources_of(INVOICE)), ignoring=("invoice",))
    return found


@pytest.mark.parametrize(
    ("name", "type_", "path"),
    [
        ("Number__c", "string", "InvoiceId"),
        ("InvoiceNo", "string", "InvoiceId"),
        ("SupplierName", "string", "VendorName"),
        ("Vendor_VAT_Nr__c", "string", "VendorTaxId"),
        ("invoice_date", "date", "InvoiceDate"),
        ("Tax__c", "decimal", "TotalTax.amount"),
        ("Subtotal", "decimal", "SubTotal.amount"),
        ("TotalAmount", "decimal", "InvoiceTotal.amount"),
        ("CurrencyIsoCode", "currency", "InvoiceTotal.currencyCode"),
    ],
)
def test_like_names_of_fitting_types_match(name: str, type_: str, path: str) -> None:
    found = match(name, type_)

    assert found.source is not None
    assert (found.is_sure, found.source.path) == (True, path)


def test_the_label_counts_where_the_name_says_nothing() -> None:
    found = match("Z_FLD_7", label="Vendor name")

    assert found.is_sure
    assert found.source is not None
    assert found.source.path == "VendorName"


def test_a_type_that_cannot_hold_the_value_never_matches() -> None:
    assert not match("Invoice_Date__c", "boolean").is_sure
    assert match("VendorName", "decimal").source is None or not match("VendorName", "decimal").is_sure


def test_what_is_only_near_is_named_and_gets_no_rule() -> None:
    found = match("Delivery_Date__c", "date")

    assert (found.is_sure, found.source is not None) == (False, True)


def test_one_source_serves_the_target_that_fits_best() -> None:
    targets = [TargetField(name="Total_Sum", type="decimal"), TargetField(name="Total", type="decimal")]

    loose, exact = match_fields(targets, list(sources_of(INVOICE)), ignoring=("invoice",))

    assert exact.source is not None
    assert exact.source.path == "InvoiceTotal.amount"
    assert not loose.is_sure


def test_words_mean_the_same_in_every_spelling() -> None:
    assert tuple(words("VendorTaxId__c")) == tuple(words("supplier_vat_no")) == ("vendor", "tax", "number")
