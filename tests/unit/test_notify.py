"""One notification, as it leaves."""

import httpx
import msgspec
import pytest

from connector.errors import AccessRefusedError, UnavailableError
from connector.notify import ChannelSettings, send, sign
from connector.references import Secret
from tests.factories import NOON


@pytest.fixture(autouse=True)
def _channel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URL", "https://hooks.example/T0/secret-path")
    monkeypatch.setenv("SIGN", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    monkeypatch.setenv("BAD", "not a secret")


def test_the_signature_is_that_of_the_specifications_example() -> None:
    signature = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def channel(type_: str, secret: str | None = None) -> ChannelSettings:
    return ChannelSettings.model_validate(
        {"type": type_, "url": Secret("${env:URL}"), "secret": None if secret is None else Secret(secret)}
    )


def sent(to: ChannelSettings, answer: httpx.Response) -> httpx.Request:
    requests: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return answer

    send(
        to,
        message_id="news_7",
        text="it is halted",
        data={"kind": "halted"},
        now=NOON,
        transport=httpx.MockTransport(take),
    )
    return requests[0]


def test_a_webhook_is_told_signed_data() -> None:
    request = sent(channel("webhook", "${env:SIGN}"), httpx.Response(204))

    assert msgspec.json.decode(request.content)["data"] == {"kind": "halted", "text": "it is halted"}
    assert request.headers["webhook-id"] == "news_7"
    assert request.headers["webhook-signature"].startswith("v1,")


def test_slack_is_told_text_and_nothing_else() -> None:
    request = sent(channel("slack"), httpx.Response(200))

    assert msgspec.json.decode(request.content) == {"text": "it is halted"}
    assert "webhook-id" not in request.headers


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_answer_that_is_no_success_is_a_failure_without_the_address(status: int) -> None:
    with pytest.raises(UnavailableError, match=str(status)) as raised:
        sent(channel("slack"), httpx.Response(status, headers={"Location": "https://elsewhere.example"}))

    assert "secret-path" not in str(raised.value)


def test_a_secret_that_is_none_is_told_without_its_value() -> None:
    with pytest.raises(AccessRefusedError) as raised:
        sent(channel("webhook", "${env:BAD}"), httpx.Response(204))

    assert "not a secret" not in str(raised.value)
