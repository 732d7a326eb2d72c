"""The server on this machine: at 127.0.0.1 alone, until Ctrl-C."""

import socket
import threading
import webbrowser
from collections.abc import Callable

import uvicorn

from landcover.system.errors import LandcoverError, reason
from landcover.view.app import make_app
from landcover.view.contents import Contents

ADDRESS = "127.0.0.1"


def serve(contents: Contents, port: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, which then have their usual effect.

    Args:
        contents: What is shown.
        port: At which; 0 for any free one.
        ready: Called with the address of the page when it can be opened.

    Raises:
        LandcoverError: The port is not free.
    """
    with _listening(port) as listener:
        port = listener.getsockname()[1]
        config = uvicorn.Config(
            make_app(contents, port),
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        _Server(config, lambda: ready(f"http://{ADDRESS}:{port}/")).run([listener])


def open_browser(address: str) -> None:
    """Open a page in the user's browser, without waiting: a browser in the terminal runs until it is closed."""
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


class _Server(uvicorn.Server):
    """A server that tells when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((ADDRESS, port))
    except OSError as error:
        raise LandcoverError(
            f"port {port} of {ADDRESS}: {reason(error)}. Choose another --port, or leave it out for a free one."
        ) from error
