-- name: head
SELECT seq, ordinal, epoch, log_key FROM log WHERE log_id = ?;
-- name: next_key
SELECT coalesce(max(log_key), 0) + 1 FROM log;
-- name: next_pos
SELECT coalesce(max(pos), 0) + 1 FROM entry;
-- name: find
SELECT e.seq, ordinal, kind, e.sender, e.client_id, sent_at_ms, body
FROM entry_retry AS r CROSS JOIN entry AS e ON e.pos = r.pos
WHERE r.log_key = (SELECT log_key FROM log WHERE log_id = ?)
  AND r.sender = ? AND r.client_id = ?;
-- name: at
SELECT seq, ordinal, kind, sender, client_id, sent_at_ms, body FROM entry WHERE pos = ?;
-- name: ordinal_at
SELECT ordinal FROM entry_place AS p CROSS JOIN entry AS e ON e.pos = p.pos
WHERE p.log_key = ? AND p.seq = ?;
-- name: place_of
SELECT pos FROM entry_place WHERE log_key = ? AND seq = ?;
-- name: rewrite
UPDATE entry SET body = ? WHERE pos = ?;
-- name: oldest
SELECT p.seq, ordinal, kind, sender, client_id, sent_at_ms, body
FROM entry_place AS p CROSS JOIN entry AS e ON e.pos = p.pos
WHERE p.log_key = (SELECT log_key FROM log WHERE log_id = :log_id)
  AND p.seq BETWEEN :first AND :last
  AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
ORDER BY p.seq LIMIT :limit;
-- name: newest
SELECT p.seq, ordinal, kind, sender, client_id, sent_at_ms, body
FROM entry_place AS p CROSS JOIN entry AS e ON e.pos = p.pos
WHERE p.log_key = (SELECT log_key FROM log WHERE log_id = :log_id)
  AND p.seq BETWEEN :first AND :last
  AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
ORDER BY p.seq DESC LIMIT :limit;
-- name: states
SELECT log_id, seq, ordinal, epoch FROM json_each(?) CROSS JOIN log ON log_id = value;
-- name: tails
SELECT log_id, e.seq, e.ordinal, kind, sender, client_id, sent_at_ms, body
FROM json_each(:spans) AS span CROSS JOIN log ON log_id = span.value ->> 0
CROSS JOIN entry AS e ON e.pos IN (
    SELECT p.pos FROM entry_place AS p CROSS JOIN entry AS newest ON newest.pos = p.pos
    WHERE p.log_key = log.log_key
      AND p.seq BETWEEN span.value ->> 1 AND span.value ->> 2
      AND (:kinds IS NULL OR newest.kind IN (SELECT value FROM json_each(:kinds)))
    ORDER BY p.seq DESC LIMIT :limit
);
-- name: cursors_of_user
SELECT log_id, read_seq, read_ordinal, delivered_seq, sent_at_ms
FROM json_each(:log_ids) CROSS JOIN log ON log_id = value
CROSS JOIN cursor ON cursor.log_key = log.log_key AND user_id = :user_id;
-- name: cursors_in_log
SELECT user_id, read_seq, read_ordinal, delivered_seq, sent_at_ms FROM cursor
WHERE log_key = (SELECT log_key FROM log WHERE log_id = :log_id)
  AND user_id > :after AND read_seq >= :at_least
ORDER BY user_id LIMIT :limit;
-- name: follow
SELECT pos, log_id, e.seq, e.ordinal, kind, sender, client_id, sent_at_ms, body
FROM entry AS e CROSS JOIN log ON log.log_key = e.log_key
WHERE pos > :after AND (:until = 0 OR pos <= :until)
  AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
ORDER BY pos LIMIT :limit;
-- name: archive
WITH RECURSIVE span (log_key, first, last) AS MATERIALIZED (
    SELECT log_key, value ->> 1, min(value ->> 2, coalesce(
        (SELECT max(seq) FROM entry_place AS p WHERE p.log_key = log.log_key), 0))
    FROM json_each(:spans) CROSS JOIN log ON log_id = value ->> 0
), search (log_key, bound, low, high) AS (
    SELECT span.log_key, value, iif(p.pos < value, last + 1, first), last + 1
    FROM span CROSS JOIN entry_place AS p ON p.log_key = span.log_key AND p.seq = last
    CROSS JOIN json_each(:bounds)
    WHERE first <= last
    UNION ALL
    SELECT s.log_key, bound, iif(p.pos < bound, p.seq + 1, low), iif(p.pos < bound, high, p.seq)
    FROM search AS s
    CROSS JOIN entry_place AS p ON p.log_key = s.log_key AND p.seq = (low + high) / 2
    WHERE low < high
), found (log_key, first, last) AS MATERIALIZED (
    SELECT log_key, min(low), max(low) - 1 FROM search WHERE low = high GROUP BY log_key
), place (pos) AS MATERIALIZED (
    SELECT p.pos FROM found CROSS JOIN entry_place AS p
    ON p.log_key = found.log_key AND p.seq IN (
        SELECT q.seq FROM entry_place AS q
        WHERE q.log_key = found.log_key AND q.seq BETWEEN found.first AND found.last
          AND (:kinds IS NULL OR (SELECT kind FROM entry WHERE entry.pos = q.pos)
               IN (SELECT value FROM json_each(:kinds)))
        ORDER BY q.seq ASC LIMIT :limit
    )
    ORDER BY p.pos ASC LIMIT :limit
)
SELECT e.pos, log_id, e.seq, e.ordinal, kind, sender, client_id, sent_at_ms, body
FROM place CROSS JOIN entry AS e ON e.pos = place.pos
CROSS JOIN log ON log.log_key = e.log_key;
-- name: seqs_of_ordinals
WITH RECURSIVE span (log_key, last) AS MATERIALIZED (
    SELECT log_key, min(:last, coalesce(
        (SELECT max(seq) FROM entry_place AS p WHERE p.log_key = log.log_key), 0))
    FROM log WHERE log_id = :log_id
), search (wanted, low, high) AS (
    SELECT value, :first, last + 1 FROM span CROSS JOIN json_each(:wanted) WHERE :first <= last
    UNION ALL
    SELECT wanted, iif(e.ordinal < wanted, p.seq + 1, low), iif(e.ordinal < wanted, high, p.seq)
    FROM search CROSS JOIN span
    CROSS JOIN entry_place AS p ON p.log_key = span.log_key AND p.seq = (low + high) / 2
    CROSS JOIN entry AS e ON e.pos = p.pos
    WHERE low < high
)
SELECT wanted, low FROM search CROSS JOIN span WHERE low = high AND low <= last;
-- name: at_seqs
SELECT p.seq, ordinal, kind, sender, client_id, sent_at_ms, body
FROM json_each(:seqs) CROSS JOIN entry_place AS p
ON p.log_key = (SELECT log_key FROM log WHERE log_id = :log_id) AND p.seq = value
CROSS JOIN entry AS e ON e.pos = p.pos;
-- name: generation
SELECT name FROM generation;
-- name: tally
SELECT kind, sender, day, count(*), max(pos)
FROM (
    SELECT pos, kind, sender, sent_at_ms / 86400000 AS day
    FROM entry WHERE pos > ? ORDER BY pos LIMIT ?
)
GROUP BY kind, sender, day;
-- name: end
SELECT coalesce(max(pos), 0) FROM entry;
-- name: newest_id
SELECT max(client_id) FROM entry_retry WHERE log_key = ? AND sender = ?;
-- name: unindexed
SELECT pos, e.log_key, log_id, e.seq, e.ordinal, kind, sender, client_id, sent_at_ms, body
FROM entry AS e CROSS JOIN log ON log.log_key = e.log_key
WHERE pos > (SELECT pos FROM indexed) ORDER BY pos;
-- name: index_places
INSERT OR IGNORE INTO entry_place (log_key, seq, pos)
SELECT log_key, seq, pos FROM entry
WHERE pos > (SELECT pos FROM indexed) AND pos <= ?
ORDER BY log_key, seq;
-- name: index_retries
INSERT OR IGNORE INTO entry_retry (log_key, sender, client_id, pos)
SELECT log_key, sender, client_id, pos FROM entry
WHERE pos > (SELECT pos FROM indexed) AND pos <= ?
  AND client_id IS NOT NULL
ORDER BY log_key, sender, client_id;
-- name: indexed
UPDATE indexed SET pos = ?;
-- name: offset
SELECT pos FROM reader WHERE name = ?;
-- name: save_offset
INSERT INTO reader (name, pos) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET pos = excluded.pos;
