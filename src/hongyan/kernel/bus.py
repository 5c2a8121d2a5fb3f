"""Commands, events and how they travel: the Protocols Caller, Publisher and Subscriber.

A command is imperative and answered once. An event is past tense and published to whoever
listens. In one process the bus is a function call; in a cluster it is a message broker.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ClassVar, Generic, Protocol, TypeVar, get_args

from msgspec import Struct

from .ids import ConnectionId, DeviceId, UserId

Result = TypeVar("Result", covariant=True)  # noqa: PLC0105


class Access:
    """The callers that a command allows; admission checks it before the domain is asked."""

    ANYONE = "anyone"
    USER = "user"
    ADMIN = "admin"
    INTERNAL = "internal"


class Actor(Struct, frozen=True):
    """The verified identity of the caller, beside every command."""

    user_id: UserId
    device_id: DeviceId
    admin: bool = False
    address: str = ""
    """The peer's network address, for rate limits and the audit trail; may be empty."""
    key_id: str = ""
    """The API key that speaks for the user; empty for a user's own device."""
    scopes: tuple[str, ...] = ()
    """The rights of that key."""
    connection_id: ConnectionId = ConnectionId("")
    """The connection that asked; it gets the answer, so what it changed is not pushed to it.
    Empty where no pushes go back the same way."""
    expires_at_ms: int = 0
    """Until when this holds: the end of the API key; 0 for no end."""


ANONYMOUS = Actor(UserId(""), DeviceId(""))


class Command(Struct, Generic[Result], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all commands: ``class SendMessage(Command[Ack])``.

    ``METHOD`` is the name on the wire (``message.send``) and never changes; fields are the
    parameters. The type argument is what the handler answers with.
    """

    METHOD: ClassVar[str]
    ACCESS: ClassVar[str] = Access.USER
    READS_ONLY: ClassVar[bool] = False
    """Whether the command changes nothing: then it is no act that the audit log notes."""
    AUDITED: ClassVar[bool] = False
    """Whether the audit log notes it whoever does it, not only where it is an administrator's."""
    AWAITS_ONLY_FUTURES: ClassVar[bool] = False
    """Whether the handler runs without a task (no timeouts, no task groups): the hot path."""
    REPEATABLE: ClassVar[bool | None] = None
    """Whether carrying it out again does no more than the first time, with the same answer.
    None: what changes nothing, and what carries a ``client_id``, by which the log knows it."""
    ANSWER_WITHIN_S: ClassVar[float] = 10.0
    """Seconds that a caller in another process waits for the answer."""

    @classmethod
    def may_be_repeated(cls) -> bool:
        """Return whether a caller that got no answer may ask another process."""
        if cls.REPEATABLE is not None:
            return cls.REPEATABLE
        return cls.READS_ONLY or "client_id" in cls.__struct_fields__

    @classmethod
    def result_type(cls) -> Any:
        """Return the type of the answer."""
        return get_args(cls.__orig_bases__[0])[0]  # type: ignore[attr-defined]


class Done(Struct, frozen=True):
    """The empty answer."""


DONE = Done()


class Caller(Protocol):
    """Carries a command to the service that handles it."""

    def call(self, actor: Actor, command: Command[Result]) -> Coroutine[Any, Any, Result]:
        """Return a coroutine of the handler's answer; nothing happens until it is awaited.

        Raises:
            Refusal: what the handler refused with; ``UnknownMethod`` where nobody handles it.
        """
        ...


class EventPublisher(Protocol):
    """Publishes an event to whoever listens."""

    def publish(self, event: Struct) -> None:
        """Hand the event on, in the order of the calls; returns at once and never raises."""
        ...


Event = TypeVar("Event", bound=Struct)


class EventSubscriber(Protocol):
    """Lets a part listen."""

    def subscribe(self, event: type[Event], listener: Callable[[Event], None]) -> None:
        """Call ``listener`` with each event of exactly this type, in order, for ever."""
        ...


Handler = Callable[[Actor, Any], Coroutine[Any, Any, Any]]
_Method = TypeVar("_Method", bound=Callable[..., Awaitable[Any]])


def handles(command: type[Command[Any]]) -> Callable[[_Method], _Method]:
    """Mark a service's method ``async (self, actor, command)`` as the command's handler."""

    def mark(method: _Method) -> _Method:
        method.__handles__ = command  # type: ignore[attr-defined]
        return method

    return mark


def handlers_of(service: object) -> dict[type[Command[Any]], Handler]:
    """Return the bound handlers of a service, by command."""
    found: dict[type[Command[Any]], Handler] = {}
    for name in dir(type(service)):
        command = getattr(getattr(type(service), name), "__handles__", None)
        if command is not None:
            found[command] = getattr(service, name)
    return found
