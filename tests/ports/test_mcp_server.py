"""An assistant's own client, over its own transport, and a real port to stop at."""

import sys
import threading

import anyio
import pytest
from mcp import Client, StdioServerParameters

from yanshi.core.errors import ConfigError
from yanshi.ports.mcp_server import make_server
from yanshi.ports.stop_server import StopServer


def call_stop(server):
    """Return the tools that a server offers, and what calling the stop gives."""

    async def call():
        async with Client(server) as client:
            tools = await client.list_tools()
            return [tool.name for tool in tools.tools], await client.call_tool("stop_robot", {})

    return anyio.run(call)


def test_an_assistant_that_starts_the_command_can_stop_the_robot_and_do_nothing_else():
    stopped = threading.Event()
    with StopServer(0, stopped.set) as server:
        command = ["-m", "yanshi", "mcp", "--stop-port", str(server.port)]
        tools, result = call_stop(StdioServerParameters(command=sys.executable, args=command))
    assert tools == ["stop_robot"]
    assert not result.is_error
    assert stopped.is_set()


def test_where_no_robot_listens_the_assistant_is_told_what_is_missing():
    with StopServer(0, lambda: None) as server:
        port = server.port
    _, result = call_stop(make_server(port))
    assert result.is_error
    assert f"--stop-port {port}" in result.content[0].text


def test_without_the_package_it_is_said_what_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    with pytest.raises(ConfigError, match=r"pip install .*\[mcp\]") as error:
        make_server(8090)
    assert "安装" in error.value.zh
