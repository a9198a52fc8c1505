"""Charts that Python draws."""

from connector.console.pages.charts import bars, share


def test_a_chart_says_in_words_what_it_shows_and_escapes_its_labels() -> None:
    drawn = bars([("<b>", 2), ("b", 0), ("c", 5)], what="Delivered in the last hour")

    assert 'aria-label="Delivered in the last hour: 7 in all, at most 5 in one bar"' in drawn
    assert drawn.count("<rect") == 2
    assert "&lt;b&gt;: 2" in drawn
    assert "style=" not in drawn


def test_a_chart_of_nothing_is_a_line() -> None:
    assert "<rect" not in bars([("a", 0)], what="x")
    assert 'aria-label="0 of 0 used' in share(0, 0, 0.5)
