"""What must be true of files at the end, as a pure function of what was seen."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class File:
    """The server has said that this upload is finished."""

    media_id: str
    sha256: str
    owner_id: str
    conversation_id: str = ""
    """Where an acknowledged message shows it; empty where none does."""


@dataclass(frozen=True)
class Download:
    """What one user got of one file."""

    media_id: str
    user_id: str
    sha256: str
    """Of the bytes; empty where the server said that there is no such file."""
    at_end: bool = False
    """Whether it was made when all was over."""


def broken_files(
    files: Sequence[File], downloads: Sequence[Download], members: Mapping[str, Collection[str]]
) -> list[str]:
    """Return a sentence for each file that is lost, damaged, or given to a stranger.

    At the end its owner must have fetched each file, and another member where one is shown.

    Args:
        files: What was uploaded.
        downloads: What was fetched of it.
        members: Who is in each conversation.
    """
    digests = {file.media_id: file.sha256 for file in files}
    owners = {file.media_id: file.owner_id for file in files}
    sees: dict[str, set[str]] = defaultdict(set)
    for file in files:
        sees[file.media_id] |= {file.owner_id, *members.get(file.conversation_id, ())}
    found: list[str] = []
    fetched: dict[str, set[str]] = defaultdict(set)
    for download in downloads:
        name, who = download.media_id, download.user_id
        if name not in digests:
            found.append(f"{who} was shown {name}, which nobody uploaded")
        elif not download.sha256:
            if who in sees[name]:
                found.append(f"{name} of {owners[name]} is not there for {who}")
        elif who not in sees[name]:
            found.append(f"{name} of {owners[name]} was given to {who}")
        elif download.sha256 != digests[name]:
            found.append(f"{name} of {owners[name]} came damaged to {who}")
        elif download.at_end:
            fetched[name].add(who)
    for name, owner in owners.items():
        if owner not in fetched[name]:
            found.append(f"{name} was not fetched by its owner {owner} at the end")
        if len(sees[name]) > 1 and not fetched[name] - {owner}:
            found.append(f"{name} of {owner} was fetched by nobody else at the end")
    return found
