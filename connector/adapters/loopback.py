"""Whether an address is this machine."""

import ipaddress


def is_loopback(host: str | None) -> bool:
    """Tell whether the host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
