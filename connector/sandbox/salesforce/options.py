"""What documents leave open, or what differs between orgs: each a knob, set to the stricter reading."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The knobs of an org's behaviour."""

    ids_on_rolled_back_rows: bool = True  # of a collection: recorded; only `success` tells the truth
    shuffle_composite: int | None = None  # a seed: subrequests without references to each other change places
    most_json_bytes: int = 52_428_800  # of a body; base64 leaves 37.5 MB of a file
    most_multipart_bytes: int = 2_147_483_648
    latency: float = 0.0  # seconds that every request takes inside the org
    long_seconds: float = 20.0  # from here on a request counts as a long one
    most_long_requests: int = 25
    bulk_delay: float = 0.05  # seconds from UploadComplete to InProgress
    bulk_chunk_delay: float = 0.0  # seconds after every 200 rows
    bulk_fail_after: int | None = None  # rows until a job fails: these are kept, the rest is unprocessed
    bulk_seed: int | None = 0  # of the order of results; None: that of the file
    bulk_charset: bool = False  # whether the content type of results names it
    bulk_most_bytes: int = 100_000_000  # 150 MB once it is base64
