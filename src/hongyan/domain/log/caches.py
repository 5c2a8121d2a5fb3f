"""Caches of rows, and how they learn that somebody changed them."""

from collections.abc import Callable

from msgspec import Struct

from .model import Committed, Entry, Missed


def _always(_entry: Entry) -> bool:
    return True


class Cache(Struct, frozen=True):
    """Something that remembers rows.

    It is registered once, and then learns of commits in this process and in all others.
    """

    kinds: tuple[str, ...]
    """Entries of these kinds change what is remembered."""
    committed: Callable[[Committed], None]
    """Called for each commit with such an entry, whichever process carried it out."""
    missed: Callable[[Missed], None]
    """Called when commits of other processes may have been missed: forget all."""
    matters: Callable[[Entry], bool] = _always
    """Whether an entry of these kinds is worth sending to others; where a kind is frequent."""
