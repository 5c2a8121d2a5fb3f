"""A real server and a real cluster for the tests of a session that do not harm them."""

from collections.abc import Iterator

import pytest

from .houses import HOUSES, House, opened


@pytest.fixture(scope="session", params=HOUSES)
def house(request: pytest.FixtureRequest) -> str:
    """What the test runs against."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="session")
def live_server(house: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(house, tmp_path_factory.mktemp(house)) as live:
        yield live
