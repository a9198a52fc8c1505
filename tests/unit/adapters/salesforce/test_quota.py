from datetime import timedelta

import pytest

from connector.adapters.salesforce.quota import ApiUsage, Quota
from connector.errors import BusyError, ThrottledError
from tests.factories import NOON, HandClock


class Org:
    def __init__(self, used: int) -> None:
        self.clock = HandClock()
        self.used = used
        self.usage: ApiUsage | None = ApiUsage(used=used, allowed=1000, at=NOON)
        self.probes = 0
        self.quota = Quota(
            share=0.8, reserve=0.05, usage=lambda: self.usage, probe=self._probe, clock=self.clock
        )

    def _probe(self) -> None:
        self.probes += 1
        self.usage = ApiUsage(used=self.used, allowed=1000, at=self.clock())


def test_below_the_share_everything_goes() -> None:
    org = Org(used=799)

    org.quota.require()

    assert org.quota.refusal(500) is None


def test_beyond_the_share_small_documents_go_and_others_wait() -> None:
    org = Org(used=800)

    org.quota.require()

    assert org.quota.refusal(25) is None
    refusal = org.quota.refusal(26)
    assert isinstance(refusal, BusyError)
    assert refusal.until == NOON + timedelta(minutes=10)


def test_beyond_share_and_reserve_nothing_goes_until_a_time() -> None:
    org = Org(used=850)

    with pytest.raises(ThrottledError, match="850 of the org's 1000 calls") as caught:
        org.quota.require()

    assert caught.value.until == NOON + timedelta(minutes=10)
    assert org.probes == 0


def test_after_a_while_one_call_asks_whether_calls_came_free() -> None:
    org = Org(used=850)
    org.clock.advance(timedelta(minutes=10))
    org.used = 100

    org.quota.require()
    org.quota.require()

    assert org.probes == 1


def test_an_org_that_tells_nothing_has_no_limit() -> None:
    org = Org(used=0)
    org.usage = None

    org.quota.require()

    assert org.quota.refusal(500) is None
