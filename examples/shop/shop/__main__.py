"""Starts the shop: ``HONGYAN_KEY=... python -m shop``."""

import argparse
import os
import secrets
import sys

import uvicorn

from .chat import Chat
from .pages import Shop, create_app
from .store import Store

DESK = "shop-desk"
ACCOUNTS = (
    ("wang-wei", "Wang Wei", "customer"),
    ("li-na", "Li Na", "customer"),
    (DESK, "Bright Lamps", "support"),
)


def main() -> None:
    """Make the toy accounts, print their passwords, and serve."""
    parser = argparse.ArgumentParser(prog="shop", description="A shop with a chat in it.")
    parser.add_argument("--chat", default="http://127.0.0.1:8800", help="Hongyan's address")
    parser.add_argument("--host", default="localhost", help="how browsers name this machine")
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--database", default=":memory:", help="a file keeps the orders")
    options = parser.parse_args()
    key = os.environ.get("HONGYAN_KEY", "")
    if not key:
        sys.exit("Set HONGYAN_KEY to an API key; the README says how to make one.")
    store = Store(options.database)
    for account_id, name, role in ACCOUNTS:
        password = secrets.token_urlsafe(9)
        store.add_account(account_id, name, role, password)
        print(f"{role}: {account_id} {password}", flush=True)
    if not store.orders():
        for customer, product in (("wang-wei", 1), ("li-na", 2), ("wang-wei", 3)):
            store.buy(customer, product)
    # Hongyan calls the loopback address; browsers say localhost, which is another origin.
    shop = Shop(Chat(options.chat, key), store, f"http://127.0.0.1:{options.port}", DESK)
    print(f"The shop is at http://{options.host}:{options.port}", flush=True)
    uvicorn.run(create_app(shop), host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
