"""The example shop on an origin of its own, beside a server that allows it."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.live_server import HONGYAN, LiveServer

from .person import DESKTOP, Size

FOLDER = Path(__file__).parents[2] / "examples" / "shop"
SCOPES = "users:write tokens:mint conversations:write conversations:read messages:read"
ACCOUNT = re.compile(r"(\w+): (\S+) (\S+)")


class Shop:
    """A server and the shop, each a process on a loopback port.

    Args:
        folder: Where they keep what they keep.
        settings: More settings of the server.
    """

    def __init__(self, folder: Path, *settings: str) -> None:
        self.port = _free_port()
        self.url = f"http://localhost:{self.port}"
        self.folder = folder / "data"
        self.chat = LiveServer(
            self.folder,
            f"widget.allowed_origins={self.url}",
            "integration.allowed_networks=127.0.0.0/8",
            "integration.webhook_retry_first_s=0.05",
            "integration.webhook_retry_most_s=0.5",
            "rates.user_per_s=0",
            *settings,
        )
        self.passwords: dict[str, str] = {}
        self.key = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start both, and return when both are ready."""
        self.chat.start()
        scopes = [f"--scope={scope}" for scope in (*SCOPES.split(), "webhooks:write")]
        command = [str(HONGYAN), "key", "create", "shop", "--data", str(self.folder), *scopes]
        made = subprocess.run(command, capture_output=True, text=True, check=True)
        self.key = made.stdout.strip()
        options = ["--chat", self.chat.url, "--port", str(self.port)]
        log = (self.folder.parent / "shop.log").open("a")
        with log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "shop", *options],
                cwd=FOLDER,
                env=os.environ | {"HONGYAN_KEY": self.key},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := ACCOUNT.fullmatch(line.strip()):
                self.passwords[found[2]] = found[3]
            if line.startswith("The shop is at"):
                break
        _await_port(self.port)

    def server(self) -> httpx.AsyncClient:
        """Return what asks the chat's server as the shop's own server does."""
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx.AsyncClient(base_url=f"{self.chat.url}/api/v1", headers=headers, timeout=30)

    def stop(self) -> None:
        """Stop both."""
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=30)
        self.chat.stop()


class Visitor:
    """Somebody in the shop, in a browser of their own."""

    def __init__(self, shop: Shop, context: BrowserContext, page: Page) -> None:
        self.shop = shop
        self.context = context
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self._note(said.type, said.text))

    def _note(self, kind: str, text: str) -> None:
        if kind == "error" and "Content Security Policy" in text:
            self.errors.append(text)

    @classmethod
    async def enter(
        cls,
        browser: Browser,
        shop: Shop,
        account: str = "",
        viewport: Size = DESKTOP,
        dark: bool = False,
        bypass_csp: bool = False,
    ) -> "Visitor":
        """Open the shop; log in, if an account is named.

        ``bypass_csp`` lets a test put scripts of its own into the page.
        """
        context = await browser.new_context(
            viewport={"width": viewport.width, "height": viewport.height},
            locale="en-GB",
            reduced_motion="reduce",
            color_scheme="dark" if dark else "light",
            bypass_csp=bypass_csp,
        )
        visitor = cls(shop, context, await context.new_page())
        if account:
            await visitor.log_in(account)
        return visitor

    async def log_in(self, account: str) -> None:
        """Fill in the shop's form."""
        await self.page.goto(f"{self.shop.url}/login")
        await self.page.get_by_label("Account").fill(account)
        await self.page.get_by_label("Password").fill(self.shop.passwords[account])
        await self.page.locator("main").get_by_role("button", name="Log in").click()
        await expect(self.page.get_by_role("button", name="Log out")).to_be_visible()

    async def go(self, path: str) -> None:
        """Open a page of the shop."""
        await self.page.goto(self.shop.url + path)

    @property
    def widget(self) -> Locator:
        """The element."""
        return self.page.locator("hongyan-chat")

    @property
    def launcher(self) -> Locator:
        """The round button."""
        return self.page.locator("hongyan-chat .launcher")

    @property
    def panel(self) -> Locator:
        """What opens."""
        return self.page.locator("hongyan-chat .panel")

    @property
    def composer(self) -> Locator:
        """Where messages are written."""
        return self.panel.locator(".composer-text")

    def message(self, text: str) -> Locator:
        """The bubbles that say this."""
        return self.panel.locator(".message").filter(has_text=text)

    async def ready(self) -> None:
        """Wait until the widget is logged in and has found its conversation."""
        await self.stands("ready")

    async def stands(self, state: str) -> None:
        """Wait until the widget is in this state."""
        await expect(self.widget).to_have_attribute("data-state", state, timeout=30_000)

    async def say(self, text: str) -> None:
        """Write a message and send it with Enter."""
        await self.composer.fill(text)
        await self.composer.press("Enter")
        await expect(self.message(text).last).to_be_visible()


class _OnePage(BaseHTTPRequestHandler):
    page = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def site_of(page: str) -> Iterator[str]:
    """Serve one page on an origin that nobody allowed, and give its address."""
    handler = type("Handler", (_OnePage,), {"page": page.encode()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _await_port(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            probe.settimeout(0.1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the shop did not start")
