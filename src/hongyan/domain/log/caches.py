"""What is remembered of rows, and must be forgotten when somebody changes them."""

from collections.abc import Callable

from msgspec import Struct

from .model import Committed, Entry, Missed


def _always(_entry: Entry) -> bool:
    return True


class Cache(Struct, frozen=True):
    """Something that remembers rows.

    It is registered once; from that follows who tells it, in this process and among all.
    """

    kinds: tuple[str, ...]
    """Entries of these kinds change what is remembered."""
    committed: Callable[[Committed], None]
    """Told each commit with such an entry, whichever process carried it out."""
    missed: Callable[[Missed], None]
    """Told when commits of other processes may have passed unheard: forget all."""
    matters: Callable[[Entry], bool] = _always
    """Whether an entry of these kinds is worth telling others; where a kind is frequent."""
