"""nginx and HAProxy, started with the configurations of deploy/."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from .process import Process, free_ports, listens

DEPLOY = Path(__file__).parents[2] / "deploy"
NGINX, HAPROXY = (
    shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in ("nginx", "haproxy")
)
TIMEOUT_S = 4
"""In place of the 90 s of the examples, so that a test can wait for it."""


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 and return it, and its key."""
    crt, key = folder / "crt.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=chat.example.org", "-keyout", str(key)]
    command += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-out", str(crt)]
    subprocess.run(command, check=True, capture_output=True)
    return crt, key


class Proxy:
    """A proxy with TLS before a server.

    Args:
        kind: ``nginx`` or ``haproxy``.
        folder: Its files.
        server: HOST:PORT of the server.
    """

    def __init__(self, kind: str, folder: Path, server: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate, self._key = certificate(folder)
        self._plain, self._port = free_ports(2)
        self.url = f"https://127.0.0.1:{self._port}"
        self.plain_url = f"http://127.0.0.1:{self._plain}"
        made = getattr(self, f"_{kind}")(folder, server)
        checked = subprocess.run(made["check"], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        self.complaints = [
            line
            for line in checked.stderr.splitlines()
            if re.search(r"warn|alert|emerg", line, re.I)
        ]
        self._process = Process(kind, made["run"], folder / f"{kind}.log")
        self._process.wait_for(lambda: listens(self._port) and listens(self._plain), 30)

    def stop(self) -> None:
        self._process.stop()

    def _nginx(self, folder: Path, server: str) -> dict[str, list[str]]:
        text = (DEPLOY / "nginx" / "hongyan.conf").read_text()
        text = text.replace("listen 80;", f"listen 127.0.0.1:{self._plain};")
        text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{self._port} ssl;")
        text = text.replace("/etc/ssl/hongyan/fullchain.pem", str(self.certificate))
        text = text.replace("/etc/ssl/hongyan/privkey.pem", str(self._key))
        text = text.replace("127.0.0.1:8800", server).replace("90s", f"{TIMEOUT_S}s")
        (folder / "hongyan.conf").write_text(text)
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;\n" if os.geteuid() == 0 else ""
        path = folder / "nginx.conf"
        path.write_text(
            f"{user}daemon off;\npid {folder}/nginx.pid;\nerror_log stderr warn;\n"
            "worker_processes 1;\nevents { worker_connections 512; }\n"
            f"http {{\naccess_log off;\n{temporary}include {folder}/hongyan.conf;\n}}\n"
        )
        run = [str(NGINX), "-c", str(path), "-p", str(folder)]
        return {"check": [*run, "-t"], "run": run}

    def _haproxy(self, folder: Path, server: str) -> dict[str, list[str]]:
        pem = folder / "hongyan.pem"
        pem.write_text(self.certificate.read_text() + self._key.read_text())
        text = (DEPLOY / "haproxy" / "haproxy.cfg").read_text()
        text = text.replace("bind :80\n", f"bind 127.0.0.1:{self._plain}\n")
        text = text.replace("bind :443 ", f"bind 127.0.0.1:{self._port} ")
        text = text.replace("/etc/haproxy/certs/hongyan.pem", str(pem))
        text = text.replace("127.0.0.1:8800", server).replace(" 90s", f" {TIMEOUT_S}s")
        text = text.replace("maxconn 200000", "maxconn 500")
        path = folder / "haproxy.cfg"
        path.write_text(text)
        return {
            "check": [str(HAPROXY), "-c", "-f", str(path)],
            "run": [str(HAPROXY), "-db", "-f", str(path)],
        }
