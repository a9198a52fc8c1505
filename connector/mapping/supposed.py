"""Answers that stand in for a target that is not asked: a mapping can then be tried without it."""

from typing import Any

from connector.record import TargetQuery


class SupposedAnswers(dict[TargetQuery, tuple[str, ...]]):
    """Gives each query one answer that says what would be asked: `<Account.Id with Tax_Id__c 811907980>`."""

    def get(self, query: TargetQuery, _default: Any = None) -> tuple[str, ...]:  # noqa: ANN401 as dict
        """Give the answer that stands for the target's."""
        return (f"<{query.object}.{query.wanted} with {query.field} {query.value}>",)
