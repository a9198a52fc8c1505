"""An upload is read in pieces while it is sent, over a real socket."""

import re
import socket
from typing import BinaryIO, cast

from connector.docflo.client import DocfloClient
from tests.unit.docflo.reach import listening, make_settings

SIZE = 50 * 2**20


class Generated:
    """A file of 50 MB that is made as it is read, and can neither be measured nor rewound."""

    def __init__(self) -> None:
        self.left = SIZE
        self.pieces: list[int] = []

    def read(self, size: int = -1) -> bytes:
        piece = self.left if size < 0 else min(size, self.left)
        self.left -= piece
        self.pieces.append(piece)
        return b"x" * piece


class Sink:
    """Reads a request to its end and answers that document 1 was made."""

    def __init__(self) -> None:
        self.received = 0
        self.head = b""

    def __call__(self, connection: socket.socket, head: bytes) -> None:
        self.head = head
        tail = head[-64:]
        self.received = len(head)
        while not re.search(rb"--\r\n(\r\n0\r\n\r\n)?$", tail):
            got = connection.recv(2**20)
            self.received += len(got)
            tail = (tail + got)[-64:]
        connection.sendall(b'HTTP/1.1 201 Created\r\nContent-Length: 12\r\n\r\n{"_id": "1"}')


def test_a_large_file_is_read_in_pieces_and_arrives_whole() -> None:
    file, sink, told = Generated(), Sink(), list[int]()

    with listening(sink) as url, DocfloClient(make_settings(base_url=url)) as docflo:
        made = docflo.create_document(cast("BinaryIO", file), "big.pdf", "invoice", told.append)

    assert made.ids == ("1",)
    assert max(file.pieces) <= 2**20
    assert sink.received > SIZE


def test_progress_is_told_in_growing_steps_up_to_the_whole_file() -> None:
    file, told = Generated(), list[int]()

    with listening(Sink()) as url, DocfloClient(make_settings(base_url=url)) as docflo:
        docflo.create_document(cast("BinaryIO", file), "big.pdf", progress=told.append)

    assert told == sorted(told)
    assert told[-1] == SIZE
    assert len(told) > 10
