"""Small charts, drawn as SVG on this side: a browser needs no script for them, and a reader gets words."""

from collections.abc import Sequence

from markupsafe import Markup

_HEIGHT = 40
_WIDTH = 300
_BASE = _HEIGHT - 0.5  # the whole line is inside of the picture


def bars(values: Sequence[tuple[str, int]], *, what: str) -> Markup:
    """Draw a bar for each value; `what` says what they count and when, for those who do not see them."""
    highest = max((value for _, value in values), default=0)
    whole = sum(value for _, value in values)
    wide = _WIDTH / max(len(values), 1)
    drawn = [
        _bar(at * wide, wide, label, value, highest) for at, (label, value) in enumerate(values) if value
    ]
    said = f"{what}: {whole} in all, at most {highest} in one bar"
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">'
        '<line x1="0" y1="{}" x2="{}" y2="{}" class="base"/>{}</svg>'
    ).format(_WIDTH, _HEIGHT, said, _BASE, _WIDTH, _BASE, Markup("").join(drawn))


def _bar(left: float, wide: float, label: str, value: int, highest: int) -> Markup:
    high = max(1.5, _HEIGHT * value / highest)
    return Markup(
        '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}: {}</title></rect>'
    ).format(left + wide * 0.1, _HEIGHT - high, wide * 0.8, high, label, value)


def share(used: int, limit: int, elapsed: float) -> Markup:
    """Draw how much is used of a limit, and, as a line, how much of its time is over (0 to 1)."""
    part = _WIDTH * min(1.0, used / limit) if limit else 0.0
    return Markup(
        '<svg class="share" viewBox="0 0 {} 12" role="img" preserveAspectRatio="none"'
        ' aria-label="{} of {} used, {:.0%} of the hour is over"><rect class="whole" width="{}" height="12"/>'
        '<rect width="{:.1f}" height="12"/><line x1="{:.1f}" y1="0" x2="{:.1f}" y2="12"/></svg>'
    ).format(_WIDTH, used, limit, elapsed, _WIDTH, part, _WIDTH * elapsed, _WIDTH * elapsed)
