"""E-mails are taken apart without trusting anything in them."""

from email.message import EmailMessage

import pytest

from connector.console.pages.mail import read_mail
from connector.errors import UnexpectedResponseError


def mail(**attached: bytes) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Rechnung für März"
    message["From"] = "Büro <billing@supplier.example>"
    message.set_content("Bitte zahlen.\n")
    for name, content in attached.items():
        message.add_attachment(content, maintype="application", subtype="pdf", filename=name)
    return message


def test_a_mail_shows_its_heads_its_text_and_what_is_attached() -> None:
    read = read_mail(mail(**{"Rechnung März.pdf": b"%PDF-1.7", "b.pdf": b"2"}).as_bytes())

    assert (read.subject, read.sender) == ("Rechnung für März", "Büro <billing@supplier.example>")
    assert read.text == "Bitte zahlen.\n"
    assert [(each.number, each.name, each.content) for each in read.attachments] == [
        (1, "Rechnung März.pdf", b"%PDF-1.7"),
        (2, "b.pdf", b"2"),
    ]
    assert not read.is_cut


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("../../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/", "document"),
        ("a\tb\u202efdp.exe", "a b_fdp.exe"),
        ("x" * 500 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_the_name_of_an_attachment_is_no_path(told: str, name: str) -> None:
    [attached] = read_mail(mail(**{told: b"1"}).as_bytes()).attachments

    assert attached.name == name


def test_a_mail_in_a_mail_is_listed_with_what_it_carries() -> None:
    outer = EmailMessage()
    outer.set_content("see below")
    outer.add_attachment(mail(**{"inner.pdf": b"%PDF-"}))

    read = read_mail(outer.as_bytes())

    assert [each.content_type for each in read.attachments] == ["text/plain", "application/pdf"]
    assert read.attachments[1].name == "inner.pdf"


def test_html_is_never_the_text() -> None:
    message = EmailMessage()
    message.set_content("<script>alert(1)</script>", subtype="html")

    read = read_mail(message.as_bytes())

    assert read.text == ""
    assert [each.content_type for each in read.attachments] == ["text/html"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: =?no-such-charset?b?////?=\nContent-Type: text/plain; charset=none\n\n\xff",
        b"Content-Type: multipart/mixed\n\nno boundary",
        b"Content-Transfer-Encoding: base64\n\n%%%",
        b"Content-Disposition: attachment; filename*=x'y'%ff\n\n1",
    ],
)
def test_a_malformed_mail_is_read_as_far_as_it_goes(raw: bytes) -> None:
    read_mail(raw).attachments  # noqa: B018 that it is read is the promise


@pytest.mark.parametrize(
    "raw",
    [
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (depth, depth) for depth in range(60)
        ),
        b"Subject: a\n\n" + b"\r" * 2_000_001,
        b"a" * (40 * 2**20 + 1),
    ],
    ids=["deep", "many lines", "large"],
)
def test_a_mail_that_is_made_to_be_slow_is_refused_unread(raw: bytes) -> None:
    with pytest.raises(UnexpectedResponseError, match="too large or has too many parts"):
        read_mail(raw)


def test_many_attachments_and_long_texts_are_cut_and_said_to_be() -> None:
    message = mail(**{f"{number}.pdf": b"1" for number in range(120)})

    read = read_mail(message.as_bytes())

    assert (len(read.attachments), read.is_cut) == (100, True)


def test_a_long_header_is_cut_before_its_parameters_are_read() -> None:
    assert len(read_mail(b"Subject: " + b"s" * 50_000 + b"\n\nx").subject) <= 2_000
