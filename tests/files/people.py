"""People who send and fetch files, by HTTP alone."""

import base64
import hashlib
import time
from typing import Any

import httpx

OFFSET_TYPE = "application/offset+octet-stream"


class Person:
    """Somebody with an account and a device.

    Args:
        url: The server.
        handle: Their handle; the account is made.
    """

    def __init__(self, url: str, handle: str) -> None:
        self.url = url
        account = {"handle": handle, "name": handle.title(), "password": "correct horse battery"}
        answer = httpx.post(f"{url}/api/v1/auth/register", json=account)
        answer.raise_for_status()
        self.user_id: str = answer.json()["user_id"]
        self.token: str = answer.json()["access_token"]
        self.http = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {self.token}"}, timeout=60
        )

    def moved(self, url: str) -> None:
        """Talk to the same server at another address."""
        self.url = url
        self.http.base_url = url

    def ask(self, verb: str, path: str, **body: Any) -> Any:
        """Call the REST API and return its answer, or its problem."""
        parameters = {"params": body} if verb in ("GET", "DELETE") else {"json": body}
        return self.http.request(verb, f"/api/v1{path}", **parameters).json()  # type: ignore[arg-type]

    def tus(self, verb: str, path: str, **options: Any) -> httpx.Response:
        """Make a request of tus."""
        headers = {"tus-resumable": "1.0.0", **options.pop("headers", {})}
        return self.http.request(verb, path, headers=headers, **options)

    def begin(self, length: int, name: str = "") -> httpx.Response:
        """Announce a file."""
        headers = {"upload-length": str(length)}
        if name:
            headers["upload-metadata"] = "filename " + base64.b64encode(name.encode()).decode()
        return self.tus("POST", "/api/v1/uploads", headers=headers)

    def append(self, place: str, offset: int, data: Any, **headers: str) -> httpx.Response:
        """Send a chunk."""
        named = {"upload-offset": str(offset), "content-type": OFFSET_TYPE}
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.tus("PATCH", place, headers=named | headers, content=data)

    def send_file(self, data: bytes, name: str = "") -> str:
        """Upload a file in one go and return its media id."""
        place = self.begin(len(data), name).headers["location"]
        if not data:
            return self.tus("HEAD", place).headers["upload-media-id"]
        answer = self.append(place, 0, data)
        assert answer.status_code == 204, answer.text
        return answer.headers["upload-media-id"]

    def fetch(self, media_id: str, query: str = "", **headers: str) -> httpx.Response:
        """Download a file."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.get(f"/api/v1/media/{media_id}{query}", headers=headers)

    def facts(self, media_id: str, timeout_s: float = 40) -> Any:
        """Return what is known of a file once the server has looked into it."""
        until = time.monotonic() + timeout_s
        while True:
            info = self.ask("GET", f"/media/{media_id}/info")
            if info.get("state") != "processing":
                return info
            assert time.monotonic() < until, "the file is still not looked into"
            time.sleep(0.2)

    def direct(self, other: "Person") -> str:
        """Open the direct conversation and return its id."""
        found = self.ask("POST", "/conversations/direct", user_id=other.user_id)
        return str(found["conversation_id"])

    def show(self, where: str, media_id: str, client_id: str, kind: str = "file") -> Any:
        """Send a message that shows a file."""
        content = {"type": kind, "media_id": media_id}
        return self.ask(
            "POST", f"/conversations/{where}/messages", client_id=client_id, content=content
        )


def sha256(data: bytes) -> str:
    """Return the digest in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
