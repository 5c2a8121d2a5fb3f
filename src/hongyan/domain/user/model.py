"""Rows of users and devices, and the kinds of entry in a user's log that are about them."""

from typing import ClassVar, Literal

from msgspec import Struct

from hongyan.domain.log.model import Row, Table
from hongyan.kernel.ids import DeviceId, UserId

USER_REGISTERED = "user.registered"
"""The first entry of a user's log. Body: ``Account``."""
USER_CHANGED = "user.changed"
"""The profile, the state or what one logs in with changed. Body: ``Account`` as it is now."""
PASSWORD_CHANGED = "password.changed"
"""Body: ``PasswordChanged``."""
DEVICE_ADDED = "device.added"
"""Somebody logged in. Body: ``DeviceInfo``."""
DEVICE_CHANGED = "device.changed"
"""A device has another name. Body: ``DeviceInfo``."""
DEVICE_REMOVED = "device.removed"
"""Body: ``DeviceRemoved``. Delivery closes that device's connection and says the reason."""
APP_PASSWORD_ADDED = "app_password.added"
"""Body: ``AppPasswordInfo``."""
APP_PASSWORD_REMOVED = "app_password.removed"
"""Body: ``AppPasswordRemoved``."""

Platform = Literal[
    "web", "desktop", "linux", "macos", "windows", "android", "ios", "cli", "bot", "widget"
]
"""``widget`` is a chat on a page of somebody else's site: its devices may do less."""
State = Literal["active", "deactivated", "deleted"]


class DeviceRemoved(Struct, frozen=True):
    """A device may no longer be connected, and why."""

    device_id: DeviceId
    reason: Literal[
        "logged_out", "kicked", "replaced", "token_reused", "password_changed", "deactivated"
    ]


class DeviceInfo(Struct, frozen=True):
    """A device as its owner sees it."""

    device_id: DeviceId
    platform: Platform
    name: str
    created_at_ms: int
    seen_at_ms: int
    """When it last logged in or refreshed its tokens."""
    address: str
    app_password_id: str = ""
    """The app password that it logged in with; empty for none."""


class AppPasswordInfo(Struct, frozen=True):
    """An app password as its owner sees it; the password itself is shown once, when it is made."""

    app_password_id: str
    label: str
    created_at_ms: int
    used_at_ms: int = 0
    """When somebody logged in with it last, or its device was last seen; 0 for never."""


class AppPasswordRemoved(Struct, frozen=True):
    """An app password that is worth nothing from now on."""

    app_password_id: str


class PasswordChanged(Struct, frozen=True):
    """The way in which a password was changed."""

    how: Literal["changed", "reset", "set_by_administrator"]


class Status(Struct, frozen=True):
    """A custom status; ``until_ms`` 0 means until it is changed."""

    emoji: str = ""
    text: str = ""
    until_ms: int = 0


class Privacy(Struct, frozen=True):
    """A user's privacy settings."""

    who_may_write: Literal["everyone", "friends"] = "everyone"
    who_may_invite: Literal["everyone", "friends"] = "everyone"
    found_by_handle: bool = True
    found_by_name: bool = True
    found_by_email: bool = False
    found_by_phone: bool = False
    shows_presence: Literal["everyone", "friends", "nobody"] = "everyone"
    sends_receipts: bool = True


class User(Row, frozen=True, kw_only=True):
    """An account as it stands. Secrets are in ``Credential``."""

    TABLE: ClassVar = Table(
        "user",
        key=("user_id",),
        unique={"handle": ("handle",), "email": ("email",), "phone": ("phone",)},
    )

    user_id: UserId
    handle: str | None = None
    """Lower case, unique: what one logs in with and is mentioned by."""
    email: str | None = None
    """Lower case, unique."""
    phone: str | None = None
    """E.164 (``+8613800138000``), unique."""
    name: str = ""
    avatar: str = ""
    """A media id; empty for none."""
    bio: str = ""
    locale: str = ""
    """BCP 47, such as ``zh-CN``."""
    status: Status = Status()
    privacy: Privacy = Privacy()
    admin: bool = False
    bot: bool = False
    state: State = "active"
    deactivated_by: Literal["", "self", "admin"] = ""
    """The user who deactivated it: what oneself did, a log-in may undo."""
    created_at_ms: int = 0


class Account(Struct, frozen=True, omit_defaults=True):
    """An account as its owner's devices see it."""

    user_id: UserId
    handle: str | None = None
    email: str | None = None
    phone: str | None = None
    name: str = ""
    avatar: str = ""
    bio: str = ""
    locale: str = ""
    status: Status = Status()
    privacy: Privacy = Privacy()
    admin: bool = False
    bot: bool = False
    state: State = "active"
    created_at_ms: int = 0


class ScramKeys(Struct, frozen=True):
    """The keys of one mechanism of SCRAM for a password (RFC 5802, section 3)."""

    stored_key: bytes
    server_key: bytes


class ScramVerifier(Struct, frozen=True):
    """The keys of SCRAM for a password. All of one user's have the same salt and iterations.

    The server names them before it knows which of the user's passwords the client has.
    """

    salt: bytes
    iterations: int
    sha1: ScramKeys
    sha256: ScramKeys


class Credential(Row, frozen=True, kw_only=True):
    """The credential of a user."""

    TABLE: ClassVar = Table("credential", key=("user_id",))

    user_id: UserId
    password_hash: str
    """In the PHC string format, which names its algorithm and parameters."""
    changed_at_ms: int = 0
    scram: ScramVerifier | None = None
    """Only where the operator wants it: it is easier to guess a password by than the hash."""


class AppPassword(Row, frozen=True, kw_only=True):
    """A password that the server made for one device or program of the user's."""

    TABLE: ClassVar = Table(
        "app_password", key=("app_password_id",), indexes={"by_user": ("user_id",)}
    )

    app_password_id: str
    user_id: UserId
    label: str
    created_at_ms: int
    used_at_ms: int = 0
    scram: ScramVerifier


class Departure(Row, frozen=True, kw_only=True):
    """A deleted user whom some services have not forgotten yet."""

    TABLE: ClassVar = Table("departure", key=("user_id",))

    user_id: UserId
    at_ms: int


class PasswordReset(Row, frozen=True, kw_only=True):
    """A one-time code that was given to the user; only its hash is stored."""

    TABLE: ClassVar = Table("password_reset", key=("user_id",))

    user_id: UserId
    code_hash: str
    expires_at_ms: int
    tries_left: int


class Invite(Row, frozen=True, kw_only=True):
    """A code that lets somebody register where registration is by invitation."""

    TABLE: ClassVar = Table("invite", key=("code",))

    code: str
    created_by: UserId
    uses_left: int
    expires_at_ms: int = 0
    """0 for never."""
    note: str = ""
    created_at_ms: int = 0


class SearchKey(Row, frozen=True, kw_only=True):
    """A lower-cased word, Han character or pair of Han characters that finds the user.

    Only what the user lets be found has keys, so a search needs no second judgement.
    """

    TABLE: ClassVar = Table(
        "user_search", key=("text", "user_id"), indexes={"by_user": ("user_id",)}
    )

    text: str
    user_id: UserId


class Device(Row, frozen=True, kw_only=True):
    """One logged-in installation and its refresh token (only hashes are stored)."""

    TABLE: ClassVar = Table("device", key=("device_id",), indexes={"by_user": ("user_id",)})

    device_id: DeviceId
    user_id: UserId
    platform: Platform = "web"
    name: str = ""
    family_hash: str = ""
    """Of the part that all refresh tokens of this device share: knows a spent one again."""
    refresh_hash: str | None = None
    previous_hash: str | None = None
    rotation_salt: str = ""
    """From the previous token and this follows the current one."""
    rotated_at_ms: int = 0
    created_at_ms: int = 0
    seen_at_ms: int = 0
    address: str = ""
    app_password_id: str = ""
    """The app password that it logged in with; empty for none."""
