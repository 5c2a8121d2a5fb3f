"""Types of settings."""

from typing import Annotated

from msgspec import Meta

Count = Annotated[int, Meta(ge=1)]
CountOrNone = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
PositiveSeconds = Annotated[float, Meta(gt=0)]
Secret = Annotated[str, Meta(extra={"secret": True})]
Address = Annotated[
    str,
    Meta(
        pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^:\s\[\]]+):\d{1,5}$",
        extra={"allowed": "HOST:PORT, such as 127.0.0.1:8800 or [::]:8800"},
    ),
]
AddressOrNone = Annotated[
    str,
    Meta(
        pattern=r"^$|^(\[[0-9A-Fa-f:.]+\]|[^:\s\[\]]+):\d{1,5}$",
        extra={"allowed": "HOST:PORT, such as 127.0.0.1:9464, or empty"},
    ),
]
