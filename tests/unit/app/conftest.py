"""A small company in a data folder, made once; tests get copies of it."""

import asyncio
import shutil
from pathlib import Path

import pytest

from hongyan.app.cli.demo import fill
from hongyan.app.progress import ProgressBars
from hongyan.app.settings.sections import ServerSettings, Settings, UserSettings

CHEAP = UserSettings(argon2_memory_kib=8, argon2_passes=1, argon2_threads=1)


def settings_for(folder: Path) -> Settings:
    """Return settings whose passwords are hashed quickly."""
    return Settings(server=ServerSettings(data_dir=str(folder)), users=CHEAP)


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with five people who have sent 60 messages; only to be copied."""
    folder = tmp_path_factory.mktemp("company") / "data"
    assert asyncio.run(fill(settings_for(folder), 5, 60, 7, False, ProgressBars())) is not None
    return folder


@pytest.fixture
def folder(company: Path, tmp_path: Path) -> Path:
    """A copy of the company's folder."""
    return Path(shutil.copytree(company, tmp_path / "data"))
