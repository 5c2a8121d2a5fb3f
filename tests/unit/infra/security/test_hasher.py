"""argon2id on a few threads, with a bounded queue."""

import asyncio
import threading

import pytest

from hongyan.infra.security.hasher import Argon2Hasher
from hongyan.kernel.errors import Busy


def quick(**settings):
    return Argon2Hasher(**({"memory_kib": 8, "iterations": 1, "threads": 1} | settings))


@pytest.fixture
def hasher():
    made = quick()
    yield made
    made.close()


async def test_a_hash_fits_its_password_only(hasher):
    hashed = await hasher.hash("correct horse")
    assert hashed.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert await hasher.verify(hashed, "correct horse")
    assert not await hasher.verify(hashed, "wrong horse")
    assert await hasher.hash("correct horse") != hashed


async def test_nobody_and_nonsense_fit_nothing(hasher):
    for hashed in (None, "", "nonsense", "$argon2id$nonsense"):
        assert not await hasher.verify(hashed, "correct horse")


async def test_for_nobody_the_same_work_is_done(hasher, monkeypatch):
    done = []
    verify = hasher._argon2.verify
    monkeypatch.setattr(
        hasher,
        "_argon2",
        type("Watched", (), {"verify": lambda _, h, p: done.append(h) or verify(h, p)})(),
    )
    await hasher.verify(None, "correct horse")
    assert [hashed.split("$")[3] for hashed in done] == ["m=8,t=1,p=1"]


async def test_other_parameters_are_outdated(hasher):
    stronger = quick(iterations=2)
    hashed = await hasher.hash("correct horse")
    assert not hasher.is_outdated(hashed)
    assert stronger.is_outdated(hashed)
    assert await stronger.verify(hashed, "correct horse")
    stronger.close()


async def test_the_defaults_are_what_owasp_asks_for():
    hasher = Argon2Hasher()
    assert (await hasher.hash("x")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    hasher.close()


async def test_a_full_queue_is_busy_and_empties(monkeypatch):
    hasher = quick(queue_limit=2)
    gate = threading.Event()
    monkeypatch.setattr(hasher, "_verify", lambda _hashed, _password: gate.wait(10))
    waiting = [asyncio.ensure_future(hasher.verify("x", "y")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await hasher.verify("x", "y")
    waiting[0].cancel()
    waiting[2].cancel()
    await asyncio.sleep(0)
    gate.set()
    assert await waiting[1]
    assert await hasher.verify("x", "y")
    hasher.close()


async def test_who_hangs_up_does_not_free_a_place_that_is_still_taken(monkeypatch):
    hasher = quick(queue_limit=0)
    begun, gate = threading.Event(), threading.Event()

    def verify(_hashed, _password):
        begun.set()
        return gate.wait(10)

    monkeypatch.setattr(hasher, "_verify", verify)
    running = asyncio.ensure_future(hasher.verify("x", "y"))
    assert await asyncio.to_thread(begun.wait, 10)
    running.cancel()
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await hasher.verify("x", "y")
    gate.set()
    hasher.close()
