import pytest
from pydantic import ValidationError

from connector.docflo.settings import DocfloSettings
from connector.references import OFFLINE
from tests.unit.docflo.reach import KEY, make_settings


def test_the_defaults_are_those_of_the_documentation() -> None:
    settings = make_settings()

    assert settings.base_url == "https://api.docflo.ai"
    assert (settings.connect_timeout, settings.read_timeout) == (10, 60)
    assert (settings.deadline, settings.upload_deadline) == (120, 300)
    assert (settings.max_download_mb, settings.page_size) == (100, 100)
    assert settings.created_from_format == "timestamp"
    assert settings.ca_bundle is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1", "https://api.lab.docflo.ai/gw/"]
)
def test_https_and_this_machine_are_accepted(url: str) -> None:
    assert make_settings(base_url=url).base_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.docflo.ai",
        "http://127.0.0.1.example.com",
        "ftp://api.docflo.ai",
        "api.docflo.ai",
        "https://",
        "https://user:secret@api.docflo.ai",
        "https://api.docflo.ai?x=1",
        "http://[",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="base_url"):
        make_settings(base_url=url)


def test_an_address_may_be_a_reference_that_is_not_known_offline() -> None:
    values = {"base_url": "${env:DOCFLO_URL_OF_NOBODY}", "tenant_id": "t", "api_key": "${env:DOCFLO_API_KEY}"}

    settings = DocfloSettings.model_validate(values, context={OFFLINE: True})

    assert settings.base_url == "${env:DOCFLO_URL_OF_NOBODY}"


@pytest.mark.parametrize("tenant", ["", "two words", "a\nb", "é"])
def test_a_tenant_that_no_header_can_carry_is_refused(tenant: str) -> None:
    with pytest.raises(ValidationError, match="tenant_id"):
        make_settings(tenant_id=tenant)


@pytest.mark.parametrize(
    "name", ["connect_timeout", "read_timeout", "deadline", "max_download_mb", "page_size"]
)
def test_limits_are_above_zero(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        make_settings(**{name: 0})


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="retries"):
        make_settings(retries=3)


def test_the_key_is_never_shown() -> None:
    settings = make_settings()

    assert KEY not in repr(settings)
    assert KEY not in settings.model_dump_json()
