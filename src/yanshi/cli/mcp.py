"""`yanshi mcp`: an assistant that speaks MCP may stop the robot."""

from typing import Annotated

import typer


def mcp(
    stop_port: Annotated[
        int, typer.Option(metavar="PORT", min=1, max=65535, help="The run's --stop-port.")
    ] = 8090,
) -> None:
    """Let an assistant that speaks MCP stop a robot that is run with --stop-port.

    The assistant starts this itself, and talks with it over standard input and output.
    """
    from yanshi.ports.mcp_server import make_server

    make_server(stop_port).run("stdio")
