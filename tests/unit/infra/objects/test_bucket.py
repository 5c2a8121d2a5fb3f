"""What an error of the bucket is taken for."""

import pytest
from obstore.exceptions import GenericError

from hongyan.infra.objects.bucket import refusing
from hongyan.kernel.errors import NotFound, StorageFull, Unavailable

LATE = "Error performing PUT http://127.0.0.1:50712/hongyan/part-0-21507-01795657507: timed out"


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (FileNotFoundError("no such key"), NotFound),
        (
            GenericError("Server returned non-2xx status code: 507 Insufficient Storage"),
            StorageFull,
        ),
        (GenericError("<Code>QuotaExceeded</Code>"), StorageFull),
        (OSError("No space left on device"), StorageFull),
        (GenericError(LATE), Unavailable),
        (OSError("connection refused"), Unavailable),
    ],
)
def test_what_it_says_and_not_the_digits_of_a_key_tell_that_it_is_full(error, refusal):
    with pytest.raises(refusal), refusing():
        raise error
