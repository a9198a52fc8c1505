"""Both ERPs of the sandbox on loopback, and the words that say how to reach them."""

from collections.abc import Iterator
from contextlib import contextmanager

from connector.sandbox.erp.rpc.sandbox import RPC_PATH, RpcErpSandbox
from connector.sandbox.erp.sandbox import PATH, ErpSandbox
from connector.sandbox.server import SandboxServer


@contextmanager
def erps(*, port: int = 0, rpc_port: int = 0) -> Iterator[str]:
    """Start both, empty; give two lines that tell a person their addresses; stop them at the end."""
    rpc = RpcErpSandbox()
    with (
        SandboxServer(ErpSandbox().app, port=port) as server,
        SandboxServer(rpc.app, port=rpc_port) as rpc_server,
    ):
        who = f"{rpc.habits.key} / {rpc.habits.login} / {rpc.habits.password}"
        yield (
            f"SOAP ERP    {server.url}{PATH}?wsdl   no login\n"
            f"RPC ERP     {rpc_server.url}{RPC_PATH}?wsdl   key, login, password: {who}"
        )
