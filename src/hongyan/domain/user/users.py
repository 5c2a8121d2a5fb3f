"""The user service, put together from its parts."""

from collections.abc import Callable

from hongyan.domain.log.caches import Cache
from hongyan.domain.log.ports import Log, Records
from hongyan.kernel.background import Background
from hongyan.kernel.bus import EventPublisher
from hongyan.kernel.clock import Clock

from .accounts import Accounts
from .admin import Administration
from .app_passwords import AppPasswordService
from .confirmation import Confirmation
from .credentials import CredentialPolicy, Credentials
from .devices import DevicePolicy, Devices
from .log_in import LoggingIn
from .login_tokens import LoginTokenService
from .ports import AccessTokens, Attempts, Avatars, CodeSender, Hasher, LoginTokens, Scram
from .profiles import Profiles
from .registration import Mode, Registration
from .scram import Verifiers
from .throttle import LoginGuard, Throttle, ThrottlePolicy

Throttles = Callable[[str, ThrottlePolicy], Attempts]


def local_throttle(_name: str, policy: ThrottlePolicy) -> Attempts:
    """Return what counts attempts in this process."""
    return Throttle(policy)


def _guards(throttles: Throttles) -> tuple[LoginGuard, LoginGuard, Attempts]:
    """Return what slows down who guesses passwords, who asks for codes, and who registers."""
    # Codes cost a mail each, so those who ask for them wait sooner and longer.
    slow = ThrottlePolicy(free=3, delay_ms=30_000, delay_max_ms=900_000, forget_ms=3_600_000)
    many = ThrottlePolicy(free=30)
    passwords = LoginGuard(
        throttles("password", ThrottlePolicy()), throttles("password-address", many)
    )
    codes = LoginGuard(throttles("code", slow), throttles("code-address", many))
    # Many may share an address (a school): after the first ones, one account each 10 s.
    registrations = throttles("registration", ThrottlePolicy(free=50, delay_max_ms=10_000))
    return passwords, codes, registrations


class UserService:
    """Users, their credentials and their devices.

    The bus serves each of ``parts``; ``cache`` is to be registered.

    Args:
        log: Where changes are committed.
        records: Where rows are read.
        clock: The time of entries, tokens and limits.
        hasher: Hashes passwords.
        scram: Makes what SCRAM keeps of passwords.
        access_tokens: Makes and reads access tokens.
        code_sender: Sends one-time codes.
        background: Sends them behind the answer.
        registration: Who may register: everybody, who has an invite, nobody.
        devices: Lifetimes of tokens and limits of devices.
        credentials: How passwords and one-time codes have to be.
        phone_region: ISO 3166 code of telephone numbers without a country code.
        avatars: Keeps pictures; None lets users name pictures that nobody keeps.
        throttles: Makes what counts attempts, given a name and a policy.
        login_tokens: Makes and reads login tokens; None lets nobody log in with one.
        publisher: Takes ``ProfileChanged``; None where nobody is to know.
    """

    def __init__(
        self,
        log: Log,
        records: Records,
        clock: Clock,
        hasher: Hasher,
        scram: Scram,
        access_tokens: AccessTokens,
        code_sender: CodeSender,
        background: Background,
        registration: Mode = "closed",
        devices: DevicePolicy = DevicePolicy(),  # noqa: B008
        credentials: CredentialPolicy = CredentialPolicy(),  # noqa: B008
        phone_region: str = "",
        avatars: Avatars | None = None,
        throttles: Throttles = local_throttle,
        login_tokens: LoginTokens | None = None,
        publisher: EventPublisher | None = None,
    ) -> None:
        accounts = Accounts(log, records, clock, phone_region, avatars, publisher)
        password_guard, code_guard, registrations = _guards(throttles)
        verifiers = Verifiers(records, scram, credentials.scram_for_account_passwords)
        confirmation = Confirmation(records, clock, hasher, password_guard)
        self._devices = Devices(accounts, access_tokens, devices)
        self._credentials = Credentials(
            accounts,
            hasher,
            code_sender,
            password_guard,
            code_guard,
            credentials,
            confirmation,
            verifiers,
            background,
        )
        password_min = credentials.password_min
        self.parts: tuple[object, ...] = (
            self._devices,
            LoggingIn(accounts, self._devices, hasher, password_guard, devices, verifiers),
            self._credentials,
            AppPasswordService(accounts, confirmation, verifiers),
            Registration(
                accounts,
                self._devices,
                hasher,
                verifiers,
                registration,
                password_min,
                registrations,
            ),
            Profiles(accounts, phone_region),
            Administration(accounts),
        )
        if login_tokens is not None:
            self.parts += (LoginTokenService(accounts, self._devices, login_tokens),)

    @property
    def cache(self) -> Cache:
        """The cache of devices."""
        return self._devices.live.cache
