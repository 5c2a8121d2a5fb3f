"""Everything that the domain offers and keeps: all commands by method, and all rows."""

from types import ModuleType
from typing import Any

from hongyan.kernel.bus import Command

from .admin import api as admin_api
from .admin import model as admin_model
from .admin import readers_api as admin_readers_api
from .admin import tracing_api as admin_tracing_api
from .conversation import api as conversation_api
from .conversation import archive_api, presence_api
from .conversation import model as conversation_model
from .group import api as group_api
from .group import joining_api, members_api
from .group import model as group_model
from .integration import api as integration_api
from .integration import app_api as integration_app_api
from .integration import model as integration_model
from .integration import webhooks_api as integration_webhooks_api
from .integration import widget_api as integration_widget_api
from .log import readers as log_readers
from .log.model import Row
from .media import api as media_api
from .media import direct_api as media_direct_api
from .media import model as media_model
from .message import api as message_api
from .message import marks_api as message_marks_api
from .message import rows as message_rows
from .relation import api as relation_api
from .relation import model as relation_model
from .user import api as user_api
from .user import api_admin as user_admin_api
from .user import api_app_passwords as user_app_passwords_api
from .user import api_credentials as user_credentials_api
from .user import api_login_tokens as user_login_tokens_api
from .user import model as user_model
from .visibility import api as visibility_api
from .visibility import model as visibility_model

APIS = (
    user_api,
    user_credentials_api,
    user_admin_api,
    user_login_tokens_api,
    user_app_passwords_api,
    media_api,
    media_direct_api,
    relation_api,
    group_api,
    members_api,
    joining_api,
    visibility_api,
    conversation_api,
    archive_api,
    presence_api,
    message_api,
    message_marks_api,
    admin_api,
    admin_readers_api,
    admin_tracing_api,
    integration_api,
    integration_app_api,
    integration_webhooks_api,
    integration_widget_api,
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
    command.METHOD: command for command in _declared(APIS, Command, "METHOD")
}
ROWS: tuple[type[Row], ...] = tuple(_declared(MODELS, Row, "TABLE"))
