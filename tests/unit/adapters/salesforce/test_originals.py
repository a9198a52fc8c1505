"""The body of a file on its way to Salesforce."""

import tracemalloc
from tempfile import TemporaryFile

from connector.adapters.base import OriginalFile
from connector.adapters.salesforce.originals import multipart_body

SIZE = 40 * 2**20


def test_a_file_travels_from_the_disk_piece_by_piece() -> None:
    with TemporaryFile() as contents:
        for number in range(40):
            contents.write(bytes([number]) * 2**20)
        original = OriginalFile(
            key="t:d:1", name="a.pdf", content_type="application/pdf", contents=contents, size=SIZE
        )
        tracemalloc.start()
        body = multipart_body({"Title": "a"}, original)
        length, sent = body.len, 0
        while piece := body.read(64 * 1024):
            sent += len(piece)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert sent == length
    assert sent > SIZE
    assert peak < 2**20
