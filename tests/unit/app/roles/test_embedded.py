"""The embedded server, put together."""

from pathlib import Path

from hongyan.app.roles.embedded import Embedded, Server
from hongyan.app.settings.sources import load
from hongyan.domain.catalog import COMMANDS


async def test_every_command_has_its_handler(tmp_path: Path) -> None:
    embedded = await Embedded.open(load({}, None, [("server.data_dir", str(tmp_path))]).settings)
    try:
        Server(embedded)
        missing = set(COMMANDS.values()) - embedded.bus.served()
        assert sorted(command.METHOD for command in missing) == []
    finally:
        await embedded.close()
