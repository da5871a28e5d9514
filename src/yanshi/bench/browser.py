"""A browser that looks at the page of `--view`, without a screen: its socket and its one button.

It speaks as viser's own page does: MessagePack, which comes compressed with Zstandard after two
lengths of eight bytes.
"""

import threading
from typing import Any

import msgspec.msgpack
import viser
import zstandard
from websockets import Subprotocol
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from yanshi.core.closing import Closing
from yanshi.core.errors import BodyError

READY_S = 10.0
LENGTH = slice(8, 16)
"""Of a packet: how long its compressed content is; then comes the content."""
CAMERA = {
    "type": "ViewerCameraMessage",
    "wxyz": [1.0, 0.0, 0.0, 0.0],
    "position": [3.0, 0.0, 1.0],
    "fov": 1.0,
    "near": 0.1,
    "far": 100.0,
    "image_height": 480,
    "image_width": 640,
    "look_at": [0.0, 0.0, 0.0],
    "up_direction": [0.0, 0.0, 1.0],
}
"""From where it looks. Only who has said so may press."""


class Browser(Closing):
    """Looks at a page; use it as a context manager."""

    def __init__(self, url: str) -> None:
        """Open the page and find its button.

        Args:
            url: Of the page, `http://…`.

        Raises:
            BodyError: The page has no button.
        """
        self._socket = connect(
            url.replace("http", "ws", 1),
            subprotocols=[Subprotocol(f"viser-v{viser.__version__}")],
            max_size=None,
        )
        button = self._find_button()
        self.label = str(button["props"]["label"])
        self._press = msgspec.msgpack.encode(
            {"type": "GuiUpdateMessage", "uuid": button["uuid"], "updates": {"value": True}}
        )
        self._socket.send(msgspec.msgpack.encode(CAMERA))
        threading.Thread(target=self._look, daemon=True, name="browser").start()

    def press(self) -> None:
        """Press the button."""
        self._socket.send(self._press)

    def close(self) -> None:
        """Leave the page."""
        self._socket.close()

    def _find_button(self) -> dict[str, Any]:
        try:
            while True:
                packet = self._socket.recv(timeout=READY_S)
                assert isinstance(packet, bytes)
                content = packet[16 : 16 + int.from_bytes(packet[LENGTH], "little")]
                decoded = msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(content))
                for message in decoded["messages"]:
                    if message["type"] == "GuiButtonMessage":
                        return dict(message)
        except TimeoutError as error:
            self.close()
            raise BodyError(
                f"A button was looked for on the page {self._socket.remote_address}; none came in "
                f"{READY_S:g} s.",
                zh=f"页面上没有按钮（等了 {READY_S:g} 秒）。",
            ) from error

    def _look(self) -> None:
        """Take what the page sends from now on, as a browser would."""
        try:
            for _ in self._socket:
                pass
        except ConnectionClosed:
            return
