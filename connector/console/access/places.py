"""Where a request comes from and where it may be sent on to: origins, hosts, addresses and paths. Pure."""

import hmac
from collections.abc import Collection, Mapping
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

HOME = "/"
_LONGEST = 2000
_FAMILY = 64  # bits of an IPv6 address that one customer of a network has


def safe_path(wanted: str | None) -> str:
    """Give a path of ours to go on at; whatever could lead elsewhere becomes the first page.

    Browsers drop control characters and take a backslash for a slash: neither is in a path of ours.
    """
    if not wanted or len(wanted) > _LONGEST or not wanted.isascii() or not wanted.isprintable():
        return HOME
    parts = urlsplit(wanted)
    is_ours = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted
    return wanted if is_ours and not parts.scheme and not parts.netloc else HOME


def is_same_origin(headers: Mapping[str, str], origins: Collection[str]) -> bool:
    """Tell whether a browser says that one of our pages asks. What says nothing at all is no browser."""
    origin = headers.get("origin")
    if origin is not None:
        return origin.lower() in origins
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    referer = headers.get("referer")
    if referer is None:
        return True
    parts = urlsplit(referer)
    return f"{parts.scheme}://{parts.netloc.lower()}" in origins


def address_of(request: Request, proxies: int) -> str:
    """Give the address of the client, as the outermost trusted proxy saw it; an IPv6 one by its network."""
    told = [part.strip() for part in ",".join(request.headers.getlist("x-forwarded-for")).split(",")]
    peer = request.client.host if request.client else ""
    text = told[-proxies] if 0 < proxies <= len(told) and told[-proxies] else peer
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        network = int(address) >> (128 - _FAMILY) << (128 - _FAMILY)
        return f"{IPv6Address(network)}/{_FAMILY}"
    return str(address)


def form_token(secret: str) -> str:
    """Give what a form must show that was made for whoever holds the secret; it does not tell the secret."""
    return hmac.digest(secret.encode(), b"form", sha256).hex()


def is_token(shown: str | None, secret: str) -> bool:
    """Tell whether a form was made for whoever holds the secret."""
    return shown is not None and hmac.compare_digest(shown.encode(), form_token(secret).encode())
