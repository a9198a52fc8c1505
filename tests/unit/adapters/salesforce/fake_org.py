"""A Salesforce that answers each graph, query and describe as a test decides."""

from collections.abc import Callable
from typing import Any

from tests.factories import HandClock
from tests.unit.adapters.canned_server import Asked, CannedServer, Reply, error_reply, token_reply
from tests.unit.adapters.salesforce.shapes import DESCRIBED

Node = dict[str, Any]
Judge = Callable[[Node], Node]
"""From a node as sent to its answer."""


def committed(node: Node) -> Node:
    record_id = f"id-of-{node['url'].rpartition('/')[2]}"
    body = {"id": record_id, "success": True, "errors": [], "created": True}
    return {"referenceId": node["referenceId"], "httpStatusCode": 201, "body": body}


def refused(node: Node, code: str, message: str = "no") -> Node:
    body = [{"errorCode": code, "message": message, "fields": []}]
    return {"referenceId": node["referenceId"], "httpStatusCode": 400, "body": body}


def graphs_answer(asked: Asked, judge: Judge) -> Reply:
    """Answer a graph call as Salesforce would: atomic per graph, halted after 14 failures."""
    answers, failed = [], 0
    for graph in asked.json["graphs"]:
        nodes = [judge(node) for node in graph["compositeRequest"]]
        bad = [node for node in nodes if node["httpStatusCode"] >= 300]
        if failed > 14:
            bad, nodes = [nodes[0]], [refused(node, "PROCESSING_HALTED") for node in nodes]
        elif bad:
            nodes = [
                node if node in bad else refused(sent, "PROCESSING_HALTED")
                for node, sent in zip(nodes, graph["compositeRequest"], strict=True)
            ]
        failed += bool(bad)
        response = {"compositeResponse": nodes}
        answers.append({"graphId": graph["graphId"], "isSuccessful": not bad, "graphResponse": response})
    return Reply(body={"graphs": answers})


class Org:
    """A Salesforce whose graph, query and describe answers a test decides."""

    def __init__(self) -> None:
        self.judge: Judge = committed
        self.graph: Callable[[Asked], Reply] = lambda asked: graphs_answer(asked, self.judge)
        self.query: Callable[[Asked], Reply] = lambda _: Reply(body={"done": True, "records": []})
        self.described: dict[str, Any] = dict(DESCRIBED)
        self.server = CannedServer(self._answer)
        self.clock = HandClock()

    def _answer(self, asked: Asked) -> Reply:
        match asked.path.partition("?")[0].split("/")[3:]:
            case ["token"]:
                return token_reply(self.server.url)
            case [_, "sobjects", name, "describe"] if name in self.described:
                return Reply(body=self.described[name])
            case [_, "query", *_]:
                return self.query(asked)
            case [_, "composite", "graph"]:
                return self.graph(asked)
            case path:
                return self._reading(path)

    def _reading(self, path: list[str]) -> Reply:
        match path:
            case []:
                return Reply(body=[{"version": "65.0"}, {"version": "66.0"}])
            case [_, "limits"]:
                return Reply(body={"DailyApiRequests": {"Max": 100, "Remaining": 5}})
            case [_, "sobjects"]:
                return Reply(body={"sobjects": [{"name": name} for name in self.described]})
        return error_reply(404, "NOT_FOUND")

    @property
    def graph_calls(self) -> list[Any]:
        return [
            asked.json["graphs"] for asked in self.server.asked if asked.path.endswith("/composite/graph")
        ]
