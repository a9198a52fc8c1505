"""What documents leave open, or what differs between orgs: each a knob, set to the stricter reading."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The knobs of an org's behaviour."""

    ids_on_rolled_back_rows: bool = True  # of a collection: recorded; only `success` tells the truth
    shuffle_composite: int | None = None  # a seed: subrequests without references to each other change places
