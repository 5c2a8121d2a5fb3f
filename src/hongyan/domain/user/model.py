"""Rows of users and devices, and the kinds of entry in a user's log that are about them."""

from typing import ClassVar, Literal

from msgspec import Struct

from hongyan.domain.log.model import Row, Table
from hongyan.kernel.ids import DeviceId, UserId

USER_REGISTERED = "user.registered"
USER_CHANGED = "user.changed"
DEVICE_ADDED = "device.added"
DEVICE_REMOVED = "device.removed"
"""Body: ``DeviceRemoved``. Delivery closes that device's connection and tells it the reason."""

Platform = Literal["web", "desktop", "linux", "macos", "windows", "android", "ios", "cli", "bot"]


class DeviceRemoved(Struct, frozen=True):
    """Why a device may no longer be connected."""

    device_id: DeviceId
    reason: Literal[
        "logged_out", "kicked", "replaced", "token_reused", "password_changed", "deactivated"
    ]


class Status(Struct, frozen=True):
    """A custom status; ``until_ms`` 0 means until it is changed."""

    emoji: str = ""
    text: str = ""
    until_ms: int = 0


class Privacy(Struct, frozen=True):
    """Who may do what to this user."""

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
    state: Literal["active", "deactivated", "deleted"] = "active"
    created_at_ms: int = 0


class Device(Row, frozen=True, kw_only=True):
    """One logged-in installation and its refresh token (only hashes are stored)."""

    TABLE: ClassVar = Table(
        "device",
        key=("device_id",),
        indexes={"by_user": ("user_id",)},
        unique={"refresh": ("refresh_hash",), "previous": ("previous_hash",)},
    )

    device_id: DeviceId
    user_id: UserId
    platform: Platform = "web"
    name: str = ""
    refresh_hash: str | None = None
    previous_hash: str | None = None
    rotated_at_ms: int = 0
    created_at_ms: int = 0
    seen_at_ms: int = 0
    address: str = ""
