"""Everything that the domain offers and keeps: all commands by method, and all rows."""

from types import ModuleType
from typing import Any

from hongyan.kernel.bus import Command

from .admin import commands as admin_commands
from .admin import commands_readers as admin_readers_commands
from .admin import commands_tracing as admin_tracing_commands
from .admin import model as admin_model
from .conversation import commands as conversation_commands
from .conversation import commands_archive, commands_presence
from .conversation import model as conversation_model
from .group import commands as group_commands
from .group import commands_joining, commands_members
from .group import model as group_model
from .integration import commands as integration_commands
from .integration import commands_app as integration_app_commands
from .integration import commands_webhooks as integration_webhooks_commands
from .integration import commands_widget as integration_widget_commands
from .integration import model as integration_model
from .log import readers as log_readers
from .log.model import Row
from .media import commands as media_commands
from .media import commands_direct as media_direct_commands
from .media import model as media_model
from .message import commands as message_commands
from .message import commands_metadata as message_marks_commands
from .message import rows as message_rows
from .relation import commands as relation_commands
from .relation import model as relation_model
from .user import commands as user_commands
from .user import commands_admin as user_admin_commands
from .user import commands_app_passwords as user_app_passwords_commands
from .user import commands_credentials as user_credentials_commands
from .user import commands_login_tokens as user_login_tokens_commands
from .user import model as user_model
from .visibility import commands as visibility_commands
from .visibility import model as visibility_model

COMMAND_MODULES = (
    user_commands,
    user_credentials_commands,
    user_admin_commands,
    user_login_tokens_commands,
    user_app_passwords_commands,
    media_commands,
    media_direct_commands,
    relation_commands,
    group_commands,
    commands_members,
    commands_joining,
    visibility_commands,
    conversation_commands,
    commands_archive,
    commands_presence,
    message_commands,
    message_marks_commands,
    admin_commands,
    admin_readers_commands,
    admin_tracing_commands,
    integration_commands,
    integration_app_commands,
    integration_webhooks_commands,
    integration_widget_commands,
)
MODELS = (
    log_readers,
    user_model,
    media_model,
    relation_model,
    group_model,
    visibility_model,
    conversation_model,
    message_rows,
    admin_model,
    integration_model,
)


def _declared(modules: tuple[ModuleType, ...], kind: type[Any], mark: str) -> list[Any]:
    """Return the subclasses of ``kind`` that these modules declare, in their order."""
    return [
        found
        for module in modules
        for found in vars(module).values()
        if isinstance(found, type)
        and issubclass(found, kind)
        and mark in vars(found)
        and found.__module__ == module.__name__
    ]


COMMANDS: dict[str, type[Command[Any]]] = {
    command.METHOD: command for command in _declared(COMMAND_MODULES, Command, "METHOD")
}
ROWS: tuple[type[Row], ...] = tuple(_declared(MODELS, Row, "TABLE"))
