"""Rules of identifiers, names, passwords and search words."""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from functools import partial

import phonenumbers

from hongyan.kernel.errors import Invalid
from hongyan.kernel.limits import check_length

from .commands import WeakPassword
from .common_passwords import COMMON_PASSWORDS
from .model import User

NAME_MAX = 64
BIO_MAX = 500
LOCALE_MAX = 35
AVATAR_MAX = 128
STATUS_TEXT_MAX = 100
STATUS_EMOJI_MAX = 16
DEVICE_NAME_MAX = 64
LABEL_MAX = 64
EMAIL_MAX = 254
QUERY_MAX = 64
PASSWORD_MAX = 128
SEARCH_TEXT_MAX = 32

_RESERVED = """
abuse admin administrator admins all api bot channel everyone group help here hongyan info me
moderator moderators nobody null official owner postmaster root security self server service
staff support system undefined webmaster
"""
RESERVED_HANDLES = frozenset(_RESERVED.split())

APP_PASSWORD = re.compile(r"[0-9a-v]{26}")
"""The form of an app password: see ``new_token_id``."""
_HANDLE = re.compile(r"[a-z0-9._-]{2,32}")
_USER_ID = re.compile(r"[a-z0-9._-]{1,64}")
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])"
)
_LOCALE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TERM = re.compile(rf"[{_HAN}]+|[^\W{_HAN}]+")
_IS_HAN = re.compile(rf"[{_HAN}]")
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean_handle(text: str) -> str:
    """Return the handle in lower case.

    Raises:
        Invalid: it is not 2 to 32 of ``a-z 0-9 . _ -``, or it is reserved.
    """
    handle = text.strip().lower()
    if not _HANDLE.fullmatch(handle):
        raise Invalid("A handle has 2 to 32 letters a-z, digits, dots, lines or hyphens.")
    if handle in RESERVED_HANDLES:
        raise Invalid("This handle is reserved; choose another.")
    return handle


def clean_email(text: str) -> str:
    """Return the address in lower case, its domain in ASCII.

    Raises:
        Invalid: it is no e-mail address.
    """
    local, at, domain = text.strip().lower().rpartition("@")
    try:
        email = local + at + domain.encode("idna").decode("ascii")
    except UnicodeError:
        email = ""
    if len(email) > EMAIL_MAX or not _EMAIL.fullmatch(email):
        raise Invalid("This is not an e-mail address.")
    return email


def clean_phone(text: str, region: str = "") -> str:
    """Return the number as E.164.

    Args:
        text: The number; without a leading ``+`` it is read as one of ``region``.
        region: ISO 3166 code such as ``CN``; empty demands the ``+``.

    Raises:
        Invalid: it is no possible telephone number.
    """
    try:
        number = phonenumbers.parse(text.strip()[:40], region or None)
    except phonenumbers.NumberParseException:
        raise Invalid("Give the telephone number with its country code, such as +86.") from None
    if not phonenumbers.is_possible_number(number):
        raise Invalid("This is not a telephone number.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def clean_line(text: str, longest: int, what: str) -> str:
    """Return the text in NFC on one line, without outer and doubled spaces.

    Raises:
        LimitReached: it is too long.
        Invalid: it has control characters.
    """
    check_length(what, text, longest * 4)
    line = " ".join(unicodedata.normalize("NFC", text).split())
    check_length(what, line, longest)
    check_printable(line, what)
    return line


def check_printable(text: str, what: str, allowed: str = "") -> None:
    """Refuse control characters and those that turn the direction of other people's text.

    Raises:
        Invalid: there is one.
    """
    for character in text:
        if character in allowed:
            continue
        if character in _BIDI_CONTROLS or unicodedata.category(character) in _FORBIDDEN_CATEGORIES:
            raise Invalid(f"{what} has a character that cannot be shown.", field=what)


def clean_locale(text: str) -> str:
    """Return the BCP 47 tag.

    Raises:
        Invalid: it does not look like one.
    """
    if text and (len(text) > LOCALE_MAX or not _LOCALE.fullmatch(text)):
        raise Invalid("This is not a language tag such as zh-CN.")
    return text


def clean_password(text: str) -> str:
    """Return the password as it is hashed: NFKC, so that it is typed alike everywhere."""
    return unicodedata.normalize("NFKC", text[: PASSWORD_MAX * 8])


def check_password(password: str, user: User, shortest: int) -> None:
    """Judge a new password of this user, of at least ``shortest`` code points.

    Raises:
        WeakPassword: it is too short, too long, very common, or says who the user is.
    """
    if len(password) < shortest:
        raise WeakPassword(f"The password needs {shortest} characters.", limit=shortest)
    if len(password) > PASSWORD_MAX:
        raise WeakPassword("The password is too long.", limit=PASSWORD_MAX)
    folded = password.casefold()
    own = {user.handle, user.email, user.phone, (user.email or "").partition("@")[0]}
    if folded in {text.casefold() for text in (*own, user.name) if text}:
        raise WeakPassword("The password must not be your name or address.")
    if folded in COMMON_PASSWORDS or len(set(folded)) == 1:
        raise WeakPassword("Too many people use this password; choose another.")


def identifiers(text: str, region: str = "") -> list[tuple[str, str]]:
    """Return what a person may mean: (unique constraint of ``User``, value), likeliest first.

    Never refuses: what cannot be an identifier simply finds nobody.
    """
    text = text.strip()[:EMAIL_MAX]
    found = []
    readers: list[tuple[str, Callable[[str], str]]]
    if "@" in text[1:]:
        readers = [("email", clean_email)]
    elif text.startswith("+"):
        readers = [("phone", clean_phone)]
    else:
        readers = [("handle", clean_handle)]
        text = text.removeprefix("@")
        if region and text[:1].isdigit():
            readers.append(("phone", partial(clean_phone, region=region)))
    for by, read in readers:
        try:
            found.append((by, read(text)))
        except Invalid:
            continue
    return found


def hash_token(*parts: str) -> str:
    """Return the SHA-256 of a secret that has 50 random bits or more, in hexadecimal."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


# --- search ---


def terms(text: str) -> list[str]:
    """Return the words and the runs of Han characters in a text, folded for comparison."""
    return _TERM.findall(unicodedata.normalize("NFKC", text).casefold())


def is_han(term: str) -> bool:
    """Return whether the term is a run of Han characters."""
    return bool(_IS_HAN.match(term))


def search_keys(user: User) -> frozenset[str]:
    """Return the texts by which the user lets himself or herself be found."""
    if user.state != "active":
        return frozenset()
    keys = set()
    words = []
    if user.handle and user.privacy.found_by_handle:
        keys.add(user.handle)
        words += terms(user.handle)
    if user.privacy.found_by_name:
        words += terms(user.name)
    for word in words:
        if is_han(word):
            keys.update(word)
            keys.update(word[at : at + 2] for at in range(len(word) - 1))
        else:
            keys.add(word[:SEARCH_TEXT_MAX])
    return frozenset(keys)


def is_found_by(user: User, by: str) -> bool:
    """Return whether the whole of this identifier (``handle``, ``email``...) finds the user."""
    return user.state == "active" and bool(getattr(user.privacy, f"found_by_{by}"))


def is_match(user: User, wanted: list[str]) -> bool:
    """Return whether every wanted term is the beginning of a word, or a part of a Han run."""
    keys = search_keys(user)
    runs = terms(user.name) if user.privacy.found_by_name else []
    return all(
        any(term in run for run in runs)
        if is_han(term)
        else any(key.startswith(term) for key in keys)
        for term in wanted
    )


def check_user_id(user_id: str) -> None:
    """Judge a user id that somebody else made.

    Raises:
        Invalid: it is not 1 to 64 of ``a-z 0-9 . _ -``, or it is reserved.
    """
    if not _USER_ID.fullmatch(user_id) or user_id in RESERVED_HANDLES:
        raise Invalid(
            "A user id has 1 to 64 letters a-z, digits, dots, lines or hyphens; no capitals."
            " An external_id may have any."
        )
