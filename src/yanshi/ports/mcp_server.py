"""A stop for assistants that speak MCP (modelcontextprotocol.io): one tool, which stops a run.

The assistant starts `yanshi mcp` by itself and talks with it over standard input and output. What
it asks for goes to the run's `--stop-port`; nothing else can be asked for here.
"""

from typing import TYPE_CHECKING

from yanshi.core.errors import ConfigError
from yanshi.ports.stop_server import ask_to_stop

if TYPE_CHECKING:
    from mcp.server import MCPServer

INSTRUCTIONS = (
    "A humanoid robot moves on this machine. Call stop_robot at once when anybody wants it to stop "
    "or may be hurt. Only a person can let it go on."
)


def make_server(port: int) -> "MCPServer":
    """Return a server with the one tool.

    Args:
        port: The run's `--stop-port`.

    Raises:
        ConfigError: The package that speaks MCP is not installed.
    """
    try:
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
    except ImportError as error:
        install = ".venv/bin/pip install -c constraints.txt -e '.[mcp]'"
        raise ConfigError(
            "Assistants speak MCP, and the package mcp is not installed. This installs it: "
            f"{install}",
            zh=f"与助手对话需要 mcp 软件包，但没有安装。安装：{install}",
        ) from error
    server = MCPServer(
        "yanshi", title="Yanshi 偃师", instructions=INSTRUCTIONS, log_level="WARNING"
    )

    @server.tool()
    def stop_robot() -> str:
        """Stop the robot now. 让机器人马上停下。 It stays so until a person says to go on."""
        try:
            ask_to_stop(port)
        except ConfigError as error:
            raise ToolError(str(error)) from error
        return "The robot was told to stop, and stays so until a person says to go on."

    return server
