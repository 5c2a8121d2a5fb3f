"""The commands an actor may call: access levels, scopes of API keys, what widgets may do."""

from typing import Any

from hongyan.domain.integration.scopes import check_scope
from hongyan.kernel.bus import Access, Actor, Command
from hongyan.kernel.errors import Forbidden, Unauthenticated, UnknownMethod
from hongyan.kernel.ids import SYSTEM, DeviceId

OPERATOR = Actor(SYSTEM, DeviceId(""), admin=True, address="control")
"""The operator on the server's own machine, who could read the database as well."""


def check(actor: Actor, command: type[Command[Any]]) -> None:
    """Refuse a command that is not for this actor.

    Raises:
        UnknownMethod: it is for nobody outside; for the operator, it is a user's own.
        Unauthenticated: it is for those who are known.
        Forbidden: it is for administrators, or for other keys or devices.
    """
    access = command.ACCESS
    if actor is OPERATOR:
        if access not in (Access.ADMIN, Access.INTERNAL):
            raise UnknownMethod(method=command.METHOD)
        return
    if access == Access.INTERNAL:
        raise UnknownMethod(method=command.METHOD)
    if access == Access.ANYONE:
        return
    if not actor.user_id:
        raise Unauthenticated
    check_scope(actor, command)
    if access == Access.ADMIN and not actor.admin:
        raise Forbidden


def needs_rights(command: type[Command[Any]]) -> bool:
    """Return whether it depends on who asks whether the command is for that one."""
    return command.ACCESS in (Access.USER, Access.ADMIN)


def is_for_anyone(command: type[Command[Any]]) -> bool:
    """Return whether strangers may call the command; they are counted by their address."""
    return command.ACCESS == Access.ANYONE
