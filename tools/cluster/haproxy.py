"""The proxy before gateways."""

from collections.abc import Sequence
from pathlib import Path

from .engines import Engine, program

HAPROXY = """\
global
    maxconn 8000
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h
    timeout http-keep-alive 10s
    option redispatch
    retries 3
frontend people
    bind 127.0.0.1:{port}
    default_backend gateways
backend gateways
    balance leastconn
    option forwardfor
    option httpchk GET /readyz
    default-server on-marked-down shutdown-sessions
"""


class HaproxyProcess(Engine):
    """``haproxy`` before gateways.

    Args:
        folder: Where its files go.
        gateways: The ports of the gateways.
    """

    NAME = "haproxy"

    def __init__(self, folder: Path, gateways: Sequence[int]) -> None:
        super().__init__(folder)
        self._gateways = gateways

    @property
    def url(self) -> str:
        """Where people connect."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """See ``Engine.command``."""
        path = self.folder / "haproxy.cfg"
        servers = "".join(
            f"    server gateway-{number} 127.0.0.1:{port} check inter 500ms fall 2 rise 1\n"
            for number, port in enumerate(self._gateways, 1)
        )
        path.write_text(HAPROXY.format(port=self.port) + servers)
        return [program("haproxy"), "-db", "-f", str(path)]
