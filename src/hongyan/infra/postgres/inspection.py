"""Integrity checks of a database, for ``hongyan doctor``."""

from collections.abc import AsyncIterator, Collection

from hongyan.infra.sql.examples import examples

from .connections import Fetching

_TROUBLES: tuple[tuple[str, str], ...] = (
    (
        "logs whose seqs have gaps, or whose head is not where the entries end",
        "SELECT log_id FROM log FULL JOIN ("
        " SELECT log_id, count(*) AS entries, min(seq) AS first, max(seq) AS last FROM entry"
        " GROUP BY log_id) AS found USING (log_id)"
        " WHERE seq IS DISTINCT FROM coalesce(entries, 0)"
        " OR (entries > 0 AND (first <> 1 OR last <> entries))",
    ),
    (
        "logs whose ordinals do not count the messages",
        "SELECT log_id FROM log LEFT JOIN ("
        " SELECT log_id, count(*) FILTER (WHERE kind = ANY($1::text[])) AS messages,"
        " max(ordinal) AS last FROM entry GROUP BY log_id) AS found USING (log_id)"
        " WHERE log.ordinal <> coalesce(messages, 0) OR log.ordinal <> coalesce(last, 0)",
    ),
    (
        "logs with cursors beyond their end",
        "SELECT DISTINCT log_id FROM cursor LEFT JOIN log USING (log_id)"
        " WHERE log.seq IS NULL OR read_seq > log.seq OR delivered_seq > log.seq"
        " OR read_ordinal > log.ordinal OR read_seq > delivered_seq",
    ),
    (
        "readers whose place is beyond the newest entry",
        "SELECT name FROM reader WHERE length(place) = 8"
        " AND place > int8send((SELECT coalesce(max(position), 0) FROM entry))",
    ),
)


async def check_logs(database: Fetching, countable: Collection[str]) -> AsyncIterator[str]:
    """Yield where entries, heads, cursors and readers do not fit each other.

    Args:
        database: Shows one moment.
        countable: The kinds of entry that raise the ordinal; all others must not.
    """
    for what, statement in _TROUBLES:
        bindings = [list(countable)] if "$1" in statement else []
        places = [place for (place,) in await database.fetch(statement, *bindings)]
        if places:
            yield f"{len(places)} {what}: {examples(places)}"


async def newest_ms(database: Fetching) -> int:
    """Return the latest time at which one of the newest entries was sent; 0 without any."""
    statement = (
        "SELECT max(sent_at_ms)"
        " FROM (SELECT sent_at_ms FROM entry ORDER BY position DESC LIMIT 1000) AS newest"
    )
    ((found,),) = await database.fetch(statement)
    return found or 0
