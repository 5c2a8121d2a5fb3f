"""nginx as a plain file server: downloads by sendfile, uploads by PUT into a folder."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

CONFIGURATION = """
worker_processes 1;
daemon off;
error_log stderr error;
pid {folder}/nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/www;
        dav_methods PUT;
    }}
}}
"""


def find_nginx() -> str | None:
    """Return the program, if it is installed."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


class Nginx:
    """One worker process on a folder of its own.

    Args:
        folder: For its files; made.
    """

    def __init__(self, folder: Path) -> None:
        self.www = folder / "www"
        self.www.mkdir(parents=True)
        folder.chmod(0o777)
        self.www.chmod(0o777)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        path = folder / "nginx.conf"
        path.write_text(CONFIGURATION.format(folder=folder, port=self.port))
        program = find_nginx()
        assert program is not None
        self._process = subprocess.Popen([program, "-p", str(folder), "-c", str(path)])
        self.pid = self._process.pid
        self._wait()

    def _wait(self) -> None:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.05)
        raise RuntimeError("nginx did not start")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
