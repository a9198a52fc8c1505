"""Where the files that ship with the package are: migrations, sample mappings, sample configuration.

In a checkout they stand at the top level, where people look for them; in a wheel, under `shipped/`.
"""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped(name: str) -> Path:
    """Give the path of a shipped file or folder, such as `mappings`."""
    in_wheel = _PACKAGE / "shipped" / name
    return in_wheel if in_wheel.exists() else _PACKAGE.parent / name
