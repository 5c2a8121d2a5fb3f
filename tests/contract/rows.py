"""Rows that exist for the tests only: every shape of key, index and constraint."""

from enum import StrEnum
from typing import ClassVar

from hongyan.domain.log.model import Row, Table
from hongyan.domain.log.readers import PassedEntry


class Colour(StrEnum):
    """An enumeration in an index."""

    RED = "red"
    BLUE = "blue"


class Thing(Row, frozen=True, kw_only=True):
    """A two-field key, several indexes, None among their values."""

    TABLE: ClassVar = Table(
        "test_thing",
        key=("shelf", "number"),
        indexes={
            "by_colour": ("colour", "active"),
            "by_due": ("shelf", "due_ms"),
            "by_due_only": ("due_ms",),
        },
    )

    shelf: str
    number: int
    colour: Colour = Colour.RED
    active: bool = True
    due_ms: int | None = None
    note: str = ""


class Person(Row, frozen=True, kw_only=True):
    """A one-field key and two unique constraints, one over two fields."""

    TABLE: ClassVar = Table(
        "test_person",
        key=("person_id",),
        unique={"handle": ("handle",), "seat": ("room", "seat")},
    )

    person_id: str
    handle: str | None = None
    room: str | None = None
    seat: int | None = None


class Persona(Row, frozen=True, kw_only=True):
    """A table whose name and fields begin like ``Person``'s."""

    TABLE: ClassVar = Table(
        "test_person_a", key=("person_id",), unique={"handle": ("handle_a",), "h": ("handle",)}
    )

    person_id: str
    handle: str | None = None
    handle_a: str | None = None


ROWS = (Thing, Person, Persona, PassedEntry)
