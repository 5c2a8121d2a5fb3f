"""The shop's pages."""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from .chat import Chat, ChatRefused, is_signed
from .store import Account, Order, Store

HERE = Path(__file__).parent
SESSION = "shop_session"
LANGUAGES = ("en", "zh")
THEMES = ("auto", "light", "dark")


class Shop:
    """Everything that a request needs.

    Args:
        chat: Hongyan.
        store: The shop's data.
        url: The shop's address, as Hongyan reaches it.
        desk: The external id of who answers for the shop.
    """

    def __init__(self, chat: Chat, store: Store, url: str, desk: str) -> None:
        self.chat = chat
        self.store = store
        self.url = url
        self.desk = desk
        self.sessions: dict[str, Account] = {}
        self.secret = ""
        self.templates = Jinja2Templates(HERE / "templates")
        chat_host = urlsplit(chat.url)
        socket = f"{'wss' if chat_host.scheme == 'https' else 'ws'}://{chat_host.netloc}"
        self.policy = "; ".join(
            (
                "default-src 'none'",
                f"script-src 'self' {chat.url}",
                "style-src 'self'",
                f"connect-src 'self' {chat.url} {socket}",
                f"img-src 'self' {chat.url} blob:",
                f"media-src {chat.url} blob:",
                "frame-src blob:",
                "form-action 'self'",
                "frame-ancestors 'none'",
                "base-uri 'none'",
            )
        )

    def who(self, request: Request) -> Account | None:
        """Return who is logged in."""
        return self.sessions.get(request.cookies.get(SESSION, ""))

    def page(self, request: Request, name: str, **values: object) -> Response:
        """Draw a page."""
        language = request.query_params.get("lang", "en")
        theme = request.query_params.get("theme", "auto")
        values |= {
            "who": self.who(request),
            "chat_url": self.chat.url,
            "desk": self.desk,
            "language": language if language in LANGUAGES else "en",
            "theme": theme if theme in THEMES else "auto",
        }
        response = self.templates.TemplateResponse(request, name, values)
        response.headers["content-security-policy"] = self.policy
        response.headers["cache-control"] = "no-store"
        return response

    async def open_talk(self, order: Order) -> None:
        """Have the conversation about an order; made once, whatever happens between."""
        if not order.conversation_id:
            conversation_id = await self.chat.open_conversation(
                order.external_id,
                f"Order {order.number}: {order.product}",
                self.desk,
                [order.customer],
            )
            self.store.bind(order.number, conversation_id)


def create_app(shop: Shop) -> FastAPI:
    """Return the application."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        for account in shop.store.accounts():
            await shop.chat.put_user(account.account_id, account.name)
        shop.secret = await shop.chat.subscribe(f"{shop.url}/hooks/chat", "shop")
        yield
        await shop.chat.close()

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    _add_accounts(app, shop)
    _add_orders(app, shop)
    _add_chat(app, shop)
    return app


def _add_accounts(app: FastAPI, shop: Shop) -> None:
    @app.get("/login")
    async def login(request: Request) -> Response:
        return shop.page(request, "login.html", failed=False)

    @app.post("/login")
    async def log_in(request: Request) -> Response:
        form = await _form(request)
        account = shop.store.check(form.get("account", ""), form.get("password", ""))
        if account is None:
            response = shop.page(request, "login.html", failed=True)
            response.status_code = 401
            return response
        session = secrets.token_urlsafe(32)
        shop.sessions[session] = account
        home = "/desk" if account.role == "support" else "/orders"
        redirect = RedirectResponse(home, 303)
        redirect.set_cookie(SESSION, session, httponly=True, samesite="lax")
        return redirect

    @app.post("/logout")
    async def log_out(request: Request) -> Response:
        await _form(request)
        shop.sessions.pop(request.cookies.get(SESSION, ""), None)
        redirect = RedirectResponse("/", 303)
        redirect.delete_cookie(SESSION)
        return redirect


def _add_orders(app: FastAPI, shop: Shop) -> None:
    @app.get("/")
    async def home(request: Request) -> Response:
        return shop.page(request, "home.html", products=shop.store.products())

    @app.get("/orders")
    async def orders(request: Request) -> Response:
        account = shop.who(request)
        if account is None:
            return RedirectResponse("/login", 303)
        return shop.page(request, "orders.html", orders=shop.store.orders(account.account_id))

    @app.post("/orders")
    async def buy(request: Request) -> Response:
        account, form = shop.who(request), await _form(request)
        if account is None:
            return RedirectResponse("/login", 303)
        product_id = form.get("product", "")
        if product_id not in {str(one.product_id) for one in shop.store.products()}:
            raise HTTPException(404)
        number = shop.store.buy(account.account_id, int(product_id))
        return RedirectResponse(f"/orders/{number}", 303)

    @app.get("/orders/{number}")
    async def order(request: Request, number: int) -> Response:
        account, found = shop.who(request), shop.store.order(number)
        if account is None:
            return RedirectResponse("/login", 303)
        if found is None or found.customer != account.account_id:
            raise HTTPException(404)
        await shop.open_talk(found)
        return shop.page(request, "order.html", order=found)

    @app.get("/desk")
    @app.get("/desk/{number}")
    async def desk(request: Request, number: int = 0) -> Response:
        account = shop.who(request)
        if account is None or account.role != "support":
            raise HTTPException(403)
        chosen = shop.store.order(number) if number else None
        if chosen is not None:
            await shop.open_talk(chosen)
        return shop.page(request, "desk.html", orders=shop.store.orders(), chosen=chosen)


def _add_chat(app: FastAPI, shop: Shop) -> None:
    @app.get("/chat/token")
    async def token(request: Request) -> Response:
        """Tell Hongyan who is looking at the page. This is all that the widget needs of us."""
        account = shop.who(request)
        if account is None:
            return Response(status_code=401)
        peer = request.query_params.get("with", "")
        if peer not in ("", shop.desk):  # customers write to the shop, not to each other
            return Response(status_code=403)
        try:
            minted = await shop.chat.login_token(account.account_id, peer)
        except ChatRefused as refusal:
            return JSONResponse({"code": refusal.code}, 502)
        return JSONResponse(minted, headers={"cache-control": "no-store"})

    @app.post("/hooks/chat")
    async def hook(request: Request) -> Response:
        """Take what was said, to show it beside the order."""
        body = await request.body()
        if not is_signed(shop.secret, request.headers, body):
            return Response(status_code=401)
        if shop.store.is_new(request.headers["webhook-id"]):
            for entry in json.loads(body)["data"]["entries"]:
                content = entry["body"].get("content") or {}
                text = content.get("text") or f"[{content.get('type', 'message')}]"
                shop.store.said(entry["log_id"], entry["seq"], text)
        return Response(status_code=204)


async def _form(request: Request) -> dict[str, str]:
    """Return a form of one of our own pages."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise HTTPException(403)
    fields = parse_qs((await request.body()).decode("utf-8", "replace"))
    return {name: values[0] for name, values in fields.items()}
