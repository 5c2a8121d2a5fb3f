"""The shop's own data, in SQLite: products, accounts, orders and what was last said of each."""

import hashlib
import hmac
import secrets
import sqlite3
from typing import NamedTuple

SCHEMA = """
create table if not exists account (
    account_id text primary key, name text not null, role text not null,
    salt blob not null, password_hash blob not null);
create table if not exists product (
    product_id integer primary key, name text not null, cents integer not null,
    note text not null);
create table if not exists purchase (
    number integer primary key, customer text not null references account,
    product_id integer not null references product, state text not null,
    conversation_id text not null default '', last_said text not null default '',
    last_seq integer not null default 0);
create table if not exists delivery (delivery_id text primary key);
"""
PRODUCTS = (
    ("Reading lamp", 5900, "Warm light, brass arm, for long letters."),
    ("Ink stone", 3400, "Slate, with a well, for grinding ink."),
    ("Letter paper", 1200, "A hundred sheets of mulberry paper."),
    ("Goose quill", 800, "Cut by hand, ready to write with."),
)
FIRST_NUMBER = 1001


class Account(NamedTuple):
    """Somebody who can log in to the shop. The id is what Hongyan knows as the external id."""

    account_id: str
    name: str
    role: str


class Product(NamedTuple):
    """Something to buy."""

    product_id: int
    name: str
    cents: int
    note: str


class Order(NamedTuple):
    """Something that was bought, and where it is talked about."""

    number: int
    customer: str
    customer_name: str
    product: str
    cents: int
    state: str
    conversation_id: str
    last_said: str

    @property
    def external_id(self) -> str:
        """How Hongyan knows the conversation."""
        return f"order-{self.number}"


ORDERS = """
select number, customer, account.name, product.name, cents, state, conversation_id, last_said
from purchase join account on account_id = customer join product using (product_id)
"""


class Store:
    """Reads and writes everything.

    Args:
        path: The database's file, or ``:memory:``.
    """

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(SCHEMA)
        if not self.products():
            insert = "insert into product (name, cents, note) values (?, ?, ?)"
            self._db.executemany(insert, PRODUCTS)

    # --- accounts ---

    def add_account(self, account_id: str, name: str, role: str, password: str) -> None:
        """Make an account, or give it another password."""
        salt = secrets.token_bytes(16)
        self._db.execute(
            "insert or replace into account values (?, ?, ?, ?, ?)",
            (account_id, name, role, salt, _hashed(password, salt)),
        )

    def check(self, account_id: str, password: str) -> Account | None:
        """Return the account if this is its password."""
        found = self._db.execute("select * from account where account_id = ?", (account_id,))
        row = found.fetchone()
        if row is None or not hmac.compare_digest(_hashed(password, row[3]), row[4]):
            return None
        return Account(*row[:3])

    def accounts(self) -> list[Account]:
        """Return everybody."""
        found = self._db.execute("select account_id, name, role from account")
        return [Account(*row) for row in found]

    # --- products and orders ---

    def products(self) -> list[Product]:
        """Return what there is to buy."""
        return [Product(*row) for row in self._db.execute("select * from product")]

    def buy(self, customer: str, product_id: int) -> int:
        """Make an order and return its number."""
        insert = """
            insert into purchase (number, customer, product_id, state)
            select coalesce(max(number) + 1, ?), ?, ?, 'paid' from purchase returning number
        """
        found = self._db.execute(insert, (FIRST_NUMBER, customer, product_id))
        return int(found.fetchall()[0][0])

    def bind(self, number: int, conversation_id: str) -> None:
        """Note which conversation is about an order."""
        update = "update purchase set conversation_id = ? where number = ?"
        self._db.execute(update, (conversation_id, number))

    def orders(self, customer: str = "") -> list[Order]:
        """Return the orders of a customer, or all, the newest first."""
        where = " where customer = ?" if customer else ""
        found = self._db.execute(
            ORDERS + where + " order by number desc", (customer,) if customer else ()
        )
        return [Order(*row) for row in found]

    def order(self, number: int) -> Order | None:
        """Return one order."""
        row = self._db.execute(ORDERS + " where number = ?", (number,)).fetchone()
        return Order(*row) if row else None

    # --- what Hongyan delivers ---

    def is_new(self, delivery_id: str) -> bool:
        """Note a delivery, and return whether it had not come before."""
        insert = "insert or ignore into delivery values (?)"
        return self._db.execute(insert, (delivery_id,)).rowcount == 1

    def said(self, conversation_id: str, seq: int, text: str) -> None:
        """Note what was last said about an order; an older message changes nothing."""
        update = """
            update purchase set last_said = ?, last_seq = ?
            where conversation_id = ? and last_seq < ?
        """
        self._db.execute(update, (text, seq, conversation_id, seq))


def _hashed(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)
