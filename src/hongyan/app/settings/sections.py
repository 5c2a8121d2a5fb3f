"""Every setting: its type, its default, and what it does.

The text below a field is its documentation: ``docs/operate/settings.md`` is made of it.
"""

import os
import secrets
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from hongyan.access.native.options import SocketOptions
from hongyan.access.rate_options import RateOptions

from .storage import (
    FileSettings,
    MetricsSettings,
    ObjectSettings,
    StorageSettings,
    TracingSettings,
)
from .types import Address, Count, CountOrNone, PositiveSeconds, Seconds, Secret


class ServerSettings(Struct, frozen=True, kw_only=True):
    """The process and its one port."""

    listen: Address = "127.0.0.1:8800"
    """The address of HTTP and WebSocket. Port 0 lets the system choose one. Put a proxy that
    speaks TLS before it when others than this machine are to reach it."""
    data_dir: str = "data"
    """The folder that holds everything: database, secrets, control socket. It is created with
    mode 700. Not allowed in the file that lies in this folder."""
    public_url: str = ""
    """The address under which people reach the server, for links in mails. Empty: made of
    ``listen``."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks (``10.0.0.0/8``) of proxies whose ``X-Forwarded-For`` is believed.
    Empty: the peer's own address always counts."""
    drain_s: Seconds = 10.0
    """Seconds that connected devices get to move away when the server stops. 0 cuts at once."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severity that is written to standard error."""
    log_format: Literal["text", "json"] = "text"
    """Lines for people or one JSON object a line for programs."""


class IntegrationSettings(Struct, frozen=True, kw_only=True):
    """App servers: webhooks, and the hook before sending."""

    allowed_networks: tuple[str, ...] = ()
    """Addresses and networks (``10.0.0.0/8``) that webhooks and the hook may call although they
    are not public. Empty: only public addresses are called, so that whoever may name a URL
    cannot reach what only this server reaches."""
    webhook_timeout_s: PositiveSeconds = 15.0
    """Seconds that one delivery may take."""
    webhook_retry_first_s: PositiveSeconds = 1.0
    """Seconds before a failed delivery is tried again. They double with each failure."""
    webhook_retry_most_s: PositiveSeconds = 3_600.0
    """The longest time between two attempts, in seconds."""
    webhook_give_up_s: PositiveSeconds = 259_200.0
    """Seconds after which a failing delivery becomes a dead letter and the next one goes."""
    before_send_url: str = ""
    """The URL at which the business is asked before a message is stored; it may refuse or alter it.
    Each message waits for the answer. Empty: nobody is asked."""
    before_send_secret: Secret = ""
    """Signs the question as webhooks are signed: ``whsec_`` and base64. Empty: no signature."""
    before_send_timeout_s: PositiveSeconds = 2.0
    """Seconds that the answer may take."""
    before_send_fails: Literal["open", "closed"] = "closed"
    """The policy while the business cannot be asked: messages pass (open), or are refused and
    may be sent again later (closed)."""


class WidgetSettings(Struct, frozen=True, kw_only=True):
    """The chat that other sites put on their pages."""

    allowed_origins: tuple[str, ...] = ()
    """Web origins whose pages may hold the widget: ``https://shop.example.org``,
    ``https://*.example.org`` for all subdomains. Only their pages may connect, call and upload,
    besides those in ``websocket.allowed_origins``. Empty: no other site has the widget."""


class UserSettings(Struct, frozen=True, kw_only=True):
    """Accounts, passwords, tokens and devices."""

    registration: Literal["open", "invite", "closed"] = "open"
    """The people who may make an account: everybody who reaches the port, who has an invitation
    code, or only an administrator (``hongyan user create``). Choose ``invite`` or ``closed`` before
    you let the whole internet reach the port."""
    password_length_min: Annotated[int, Meta(ge=1, le=128)] = 8
    """The shortest password, in characters. Longer than 128 is always refused."""
    argon2_passes: Count = 2
    """Passes over the memory for one password hash; more is slower for an attacker and for you.
    A hash made with other parameters is renewed at the next log-in."""
    argon2_memory_kib: Annotated[int, Meta(ge=8)] = 19_456
    """Memory for one password hash, in KiB."""
    argon2_lanes: Count = 1
    """Threads that one password hash is computed in."""
    argon2_threads: Count = 2
    """Password hashes that are computed at the same time; others wait in a bounded queue."""
    scram_for_account_passwords: bool = False
    """Whether programs that know SCRAM may log in with the account's own password. The server
    then keeps verifiers beside its hash, and who steals them guesses passwords much faster. They
    are made when a password is next set or used, and removed at the next log-in after this was
    switched off. App passwords do without it."""
    access_token_s: Annotated[int, Meta(ge=10)] = 900
    """Seconds that an access token lives; devices renew it by themselves."""
    refresh_grace_s: CountOrNone = 30
    """Seconds in which a device that lost the answer to a refresh may repeat it with the old
    token. After them an old token counts as stolen, and the device is logged out."""
    refresh_token_s: CountOrNone = 90 * 86_400
    """Seconds after which a device that was not seen must log in again. 0 means never."""
    devices_max: Count = 20
    """Devices that one user may have logged in; one more removes the one not seen longest."""
    terminals: Literal["all", "one_per_platform", "one"] = "all"
    """The devices that may stay logged in together: all of them, the newest of each platform, or
    the newest alone. The others are logged out, with the reason."""


class MessageSettings(Struct, frozen=True, kw_only=True):
    """Limits of messages, and windows for changing them."""

    text_bytes_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 16_384
    """The longest text, in bytes of UTF-8."""
    custom_bytes_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 32_768
    """The largest custom content, in bytes of JSON."""
    content_bytes_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 131_072
    """The largest content of any kind, in bytes of JSON."""
    edit_window_s: CountOrNone = 86_400
    """Seconds in which its author may edit a message. 0 means for ever."""
    recall_window_s: CountOrNone = 120
    """Seconds in which its author may recall a message. 0 means for ever."""
    admin_recall_window_s: CountOrNone = 0
    """Seconds in which a group's admins may recall their own messages and those of lower ranks.
    0 means for ever."""
    retention_days: Annotated[int, Meta(ge=0, le=36_500)] = 0
    """Days after which messages are gone for everybody, in all conversations. 0 keeps them for
    ever. A group's own ``retention_days`` can only be shorter than this. What is gone cannot be
    brought back but from a backup."""


class SmtpSettings(Struct, frozen=True, kw_only=True):
    """Mail, for codes that reset a password."""

    host: str = ""
    """The mail server. Empty: no mail is sent; an administrator makes reset codes."""
    port: Annotated[int, Meta(ge=1, le=65_535)] = 587
    """The mail server's port."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """The protection of the connection. ``none`` is for a server on this machine."""
    username: str = ""
    """The account at the mail server. Empty: no log-in."""
    password: Secret = ""
    """The account's password. Better in the environment than in a file."""
    sender: str = "hongyan@localhost"
    """The address that mails come from."""


class ClusterSettings(Struct, frozen=True, kw_only=True):
    """Several processes as one server: ``hongyan gateway``, ``backend`` and ``worker``.

    ``hongyan serve`` needs none of this. All processes of a cluster need the same ``name``,
    ``secret``, ``nats``, ``redis`` and ``routing``.
    """

    name: str = "hongyan"
    """The cluster's name. Several clusters may share a broker and a Redis under different
    names."""
    node: str = ""
    """The name of this process, different from all others of its role and the same after a
    restart. Empty: the machine's name and the port or role."""
    secret: Secret = ""
    """64 hexadecimal digits, the same for all processes: signs access tokens and links. Make them
    with ``openssl rand -hex 32`` and keep them out of files that others read. Takes the place of
    ``secrets.toml``."""
    nats: Secret = ""
    """The broker: ``nats://HOST:4222``, several separated by commas; ``nats://USER:PASSWORD@...``
    where it wants a log-in."""
    redis: Secret = ""
    """Redis or Valkey: ``redis://HOST:6379/0``; ``rediss://`` for TLS."""
    postgres: Secret = ""
    """The database, of backends and workers: ``postgresql://USER:PASSWORD@HOST/DATABASE``."""
    handshakes_at_once: Count = 64
    """Handshakes that one gateway deals with at the same time; others wait in a queue."""
    handshakes_waiting_max: Count = 20_000
    """Handshakes that may wait in that queue; one more is refused as ``busy``, and the client comes
    back after a while."""


class RoutingSettings(Struct, frozen=True, kw_only=True):
    """The routing of messages to the gateways where their readers are.

    All processes of a cluster need the same. ``docs/operate/routing.md`` compares the strategies.
    """

    strategy: Literal["broadcast", "broadcast-redis", "rpc", "registry"] = "broadcast"
    """``broadcast``: every gateway gets everything, over NATS or (``broadcast-redis``) over Redis.
    ``registry``: Redis knows where each user is; for more than eight gateways. ``rpc``: every
    gateway is called and answers."""
    lease_s: Annotated[float, Meta(ge=0.5)] = 10.0
    """Of ``registry``: seconds after which a gateway counts as gone that gives no sign of life."""
    queue_events_max: Count = 100_000
    """Events that may wait in a process to be sent; one more is dropped, and all sessions sync."""
    queue_bytes_max: Count = 64 * 1024**2
    """Bytes of events that may wait so."""


class Settings(Struct, frozen=True, kw_only=True):
    """All settings, by section."""

    server: ServerSettings = ServerSettings()
    websocket: SocketOptions = SocketOptions()
    rates: RateOptions = RateOptions()
    integration: IntegrationSettings = IntegrationSettings()
    widget: WidgetSettings = WidgetSettings()
    users: UserSettings = UserSettings()
    messages: MessageSettings = MessageSettings()
    files: FileSettings = FileSettings()
    objects: ObjectSettings = ObjectSettings()
    smtp: SmtpSettings = SmtpSettings()
    storage: StorageSettings = StorageSettings()
    cluster: ClusterSettings = ClusterSettings()
    routing: RoutingSettings = RoutingSettings()
    metrics: MetricsSettings = MetricsSettings()
    tracing: TracingSettings = TracingSettings()

    @property
    def data_dir(self) -> Path:
        """The data folder."""
        return Path(self.server.data_dir)

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The origins whose pages may connect and call, besides the server's own."""
        return tuple(dict.fromkeys(self.websocket.allowed_origins + self.widget.allowed_origins))

    @property
    def host_and_port(self) -> tuple[str, int]:
        """The two parts of ``server.listen``."""
        return host_and_port(self.server.listen)


def host_and_port(address: str) -> tuple[str, int]:
    """Return the two parts of HOST:PORT."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


class SettingsError(Exception):
    """A setting is unknown or wrong; the sentence names it, its source and what is allowed."""


class Secrets(Struct, frozen=True, kw_only=True):
    """The secrets of this server. Losing them logs everybody out, no more."""

    access_token_key: Annotated[str, Meta(min_length=64)]
    """64 hexadecimal digits: signs the access tokens."""


SECRETS_FILE = "secrets.toml"


def prepare_data_dir(data_dir: Path) -> None:
    """Create the data folder with mode 700 where there is none."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)


def load_secrets(data_dir: Path) -> Secrets:
    """Return the secrets in the data folder; make them, mode 600, where there are none.

    Raises:
        SettingsError: the file is broken, or others than its owner may read it.
    """
    path = data_dir / SECRETS_FILE
    if not path.exists():
        _create_secrets(path)
    if path.stat().st_mode & 0o077:
        raise SettingsError(f"{path} is open to other users; run: chmod 600 {path}")
    try:
        return msgspec.convert(tomllib.loads(path.read_text()), Secrets)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(
            f"{path} is broken ({error}); restore it from a backup, or remove it:"
            " everybody must then log in again"
        ) from error


def _create_secrets(path: Path) -> None:
    """Write fresh secrets so that a crash leaves the whole file or none."""
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write("# Keep this file secret and in your backups.\n")
        file.write(f'access_token_key = "{secrets.token_hex(32)}"\n')
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
