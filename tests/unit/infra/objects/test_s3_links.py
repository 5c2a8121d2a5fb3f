"""Signed URLs: Amazon's published example, and what ours carry."""

from urllib.parse import parse_qs, urlsplit

from hongyan.infra.objects.bucket import BucketOptions
from hongyan.infra.objects.s3_links import S3Links, S3Signer
from hongyan.infra.objects.s3_staging import PartName


class Fixed:
    def __init__(self, at_ms):
        self.at_ms = at_ms

    def now_ms(self):
        return self.at_ms


AMAZON = BucketOptions(
    url="https://s3.amazonaws.com",
    bucket="examplebucket",
    access_key_id="AKIAIOSFODNN7EXAMPLE",
    secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    path_style=False,
)
MAY_24_2013 = Fixed(1_369_353_600_000)


def test_amazons_example():
    url = S3Signer(AMAZON, MAY_24_2013).url("GET", "test.txt", 86_400)
    assert url.startswith("https://examplebucket.s3.amazonaws.com/test.txt?")
    signature = parse_qs(urlsplit(url).query)["X-Amz-Signature"]
    assert signature == ["aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"]


class Staged:
    async def parts(self, _upload_id):
        return [PartName(0, "direct", 10)]


def links(**more):
    options = BucketOptions(
        url="http://127.0.0.1:9000",
        bucket="b",
        access_key_id="k",
        secret_access_key="s",
        **more,
    )
    return S3Links(Staged(), S3Signer(options, MAY_24_2013), 10, 60, 3600)


def test_a_download_names_its_type_and_disposition():
    url = urlsplit(links(prefix="im").download("ab/abc", "image/png", 'inline; filename="猫 1"'))
    asked = parse_qs(url.query)
    assert url.path == "/b/im/objects/ab/abc"
    assert asked["response-content-type"] == ["image/png"]
    assert asked["response-content-disposition"] == ['inline; filename="猫 1"']
    assert asked["X-Amz-Expires"] == ["60"]


async def test_pieces_that_have_come_need_no_link():
    pieces = await links().missing("p1", 25)
    assert [(piece.first, piece.length_bytes) for piece in pieces] == [(10, 10), (20, 5)]
    assert urlsplit(pieces[1].url).path == "/b/staging/p1/part-20-25-direct"
    assert parse_qs(urlsplit(pieces[1].url).query)["X-Amz-SignedHeaders"] == ["content-length;host"]


async def test_an_empty_file_has_no_pieces():
    assert await links().missing("p1", 0) == ()
