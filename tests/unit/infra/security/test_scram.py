"""SCRAM against the examples of the RFCs."""

import base64

import pytest

from hongyan.infra.security.scram import (
    DIGESTS,
    ScramHasher,
    check_proof,
    keys,
    saslprep,
)
from hongyan.infra.security.threads import HashingThreads

RFC_5802 = (
    "SCRAM-SHA-1",
    "n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
    "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
)
RFC_7677 = (
    "SCRAM-SHA-256",
    "n=user,r=rOprNGfwEbeRWgbNEkqO",
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
    "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
)


def exchange(example):
    """Return the hash, what a server keeps of "pencil", the exchange, the proof, the answer."""
    mechanism, first, server_first, final, proof, signature = example
    digest = DIGESTS[mechanism]
    salt = base64.b64decode(server_first.split(",s=")[1].split(",")[0])
    kept = keys(digest, saslprep("pencil"), salt, 4096)
    message = ",".join((first, server_first, final)).encode()
    return digest, kept, message, base64.b64decode(proof), base64.b64decode(signature)


@pytest.mark.parametrize("example", [RFC_5802, RFC_7677], ids=["sha1", "sha256"])
def test_the_exchange_of_the_rfc(example):
    digest, kept, message, proof, signature = exchange(example)
    assert check_proof(digest, kept, message, proof) == signature


@pytest.mark.parametrize("example", [RFC_5802, RFC_7677], ids=["sha1", "sha256"])
def test_another_proof_another_exchange_and_another_password_fit_nothing(example):
    digest, kept, message, proof, _ = exchange(example)
    wrong = bytes((proof[0] ^ 1, *proof[1:]))
    for said, given in ((message, wrong), (message + b"x", proof), (message, proof[:-1])):
        assert check_proof(digest, kept, said, given) is None
    other = keys(digest, "Pencil", b"salt", 4096)
    assert check_proof(digest, other, message, proof) is None


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b\u3000c", "a b c"),
        ("鸿雁", "鸿雁"),
        ("\u0627\u0628", "\u0627\u0628"),
    ],
)
def test_passwords_are_prepared_as_rfc_4013_says(text, prepared):
    assert saslprep(text) == prepared


@pytest.mark.parametrize(
    "text", ["\u0007", "\u0627\u0031", "\u0627a\u0628", "\u200e", "\ue000", "\U0001fabf"]
)
def test_what_rfc_4013_prohibits_is_refused(text):
    with pytest.raises(ValueError, match=r"prohibited|both ways"):
        saslprep(text)


async def test_the_port_makes_both_and_none_of_what_is_prohibited():
    threads = HashingThreads(1)
    hasher = ScramHasher(threads)
    made = await hasher.verifier("pen\u00adcil", b"salt", 4096)
    assert (made.salt, made.iterations) == (b"salt", 4096)
    assert made.sha1 == keys("sha1", "pencil", b"salt", 4096)
    assert made.sha256 == keys("sha256", "pencil", b"salt", 4096)
    assert await hasher.verifier("\u0007", b"salt", 4096) is None
    threads.close()
