-- name: raise_head
INSERT INTO log AS old (log_id, seq, ordinal, epoch, position)
VALUES ($1, $2, $3, $4, ($5 + pg_current_xact_id()::text::bigint) << 16)
ON CONFLICT (log_id) DO UPDATE SET
    seq = old.seq + excluded.seq, ordinal = old.ordinal + excluded.ordinal,
    epoch = old.epoch + excluded.epoch, position = excluded.position
WHERE old.position <= excluded.position
RETURNING log_id, seq, ordinal, epoch, position
-- name: make_head
INSERT INTO log (log_id, seq, ordinal, epoch, position) VALUES ($1, 0, 0, 0, 0)
ON CONFLICT (log_id) DO NOTHING
-- name: lock_head
SELECT log_id, seq, ordinal, epoch, position FROM log WHERE log_id = $1 FOR UPDATE
-- name: this_position
SELECT ($1 + pg_current_xact_id()::text::bigint) << 16
-- name: set_head
UPDATE log SET seq = $2, ordinal = $3, epoch = $4, position = $5 WHERE log_id = $1
-- name: append
INSERT INTO entry (log_id, seq, ordinal, kind, sender, client_id, sent_at_ms, body, position)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
-- name: rewrite
UPDATE entry SET body = $3 WHERE log_id = $1 AND seq = $2
-- name: wrote
INSERT INTO cursor AS old (log_id, user_id, read_seq, read_ordinal, delivered_seq, sent_at_ms)
VALUES ($1, $2, $3, $4, $3, $5)
ON CONFLICT (log_id, user_id) DO UPDATE SET
    read_seq = greatest(old.read_seq, excluded.read_seq),
    read_ordinal = greatest(old.read_ordinal, excluded.read_ordinal),
    delivered_seq = greatest(old.delivered_seq, excluded.delivered_seq),
    sent_at_ms = greatest(old.sent_at_ms, excluded.sent_at_ms)
-- name: advance
INSERT INTO cursor AS old (log_id, user_id, read_seq, read_ordinal, delivered_seq, sent_at_ms)
SELECT $1, $2, least($3, head.seq),
    CASE WHEN $3 = 0 THEN 0 WHEN $3 >= head.seq THEN head.ordinal ELSE coalesce(
        (SELECT ordinal FROM entry WHERE log_id = $1 AND seq = $3), 0) END,
    greatest(least($3, head.seq), least($4, head.seq)), 0
FROM (VALUES (1)) AS one LEFT JOIN LATERAL (
    SELECT coalesce(max(seq), 0) AS seq, coalesce(max(ordinal), 0) AS ordinal
    FROM log WHERE log_id = $1
) AS head ON TRUE
ON CONFLICT (log_id, user_id) DO UPDATE SET
    read_seq = greatest(old.read_seq, excluded.read_seq),
    read_ordinal = greatest(old.read_ordinal, excluded.read_ordinal),
    delivered_seq = greatest(old.delivered_seq, excluded.delivered_seq)
-- name: save_offset
INSERT INTO reader (name, place) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET place = excluded.place
-- name: find
SELECT log_id, seq, ordinal, kind, sender, client_id, sent_at_ms, body
FROM entry WHERE log_id = $1 AND sender = $2 AND client_id = $3
-- name: oldest
SELECT log_id, seq, ordinal, kind, sender, client_id, sent_at_ms, body FROM entry
WHERE log_id = $1 AND seq BETWEEN $2 AND $3 AND ($5::text[] IS NULL OR kind = ANY($5))
ORDER BY seq LIMIT $4
-- name: newest
SELECT log_id, seq, ordinal, kind, sender, client_id, sent_at_ms, body FROM entry
WHERE log_id = $1 AND seq BETWEEN $2 AND $3 AND ($5::text[] IS NULL OR kind = ANY($5))
ORDER BY seq DESC LIMIT $4
-- name: states
SELECT log_id, seq, ordinal, epoch FROM log WHERE log_id = ANY($1::text[])
-- name: tails
SELECT found.log_id, seq, ordinal, kind, sender, client_id, sent_at_ms, body
FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS span (log_id, first, last)
CROSS JOIN LATERAL (
    SELECT * FROM entry WHERE entry.log_id = span.log_id
      AND seq BETWEEN span.first AND span.last AND ($5::text[] IS NULL OR kind = ANY($5))
    ORDER BY seq DESC LIMIT $4
) AS found
ORDER BY found.log_id, seq
-- name: cursors_of_user
SELECT log_id, read_seq, read_ordinal, delivered_seq, sent_at_ms
FROM cursor WHERE log_id = ANY($2::text[]) AND user_id = $1
-- name: cursors_in_log
SELECT user_id, read_seq, read_ordinal, delivered_seq, sent_at_ms FROM cursor
WHERE log_id = $1 AND user_id > $3 AND read_seq >= $2
ORDER BY user_id LIMIT $4
-- name: follow
SELECT position,
    position < (SELECT ($5 + pg_snapshot_xmin(pg_current_snapshot())::text::bigint) << 16),
    log_id, seq, ordinal, kind, sender, client_id, sent_at_ms, body
FROM entry
WHERE position > $1 AND position <= $3 AND ($4::text[] IS NULL OR kind = ANY($4))
ORDER BY position LIMIT $2
-- name: archive
WITH RECURSIVE span AS MATERIALIZED (
    SELECT head.log_id, wanted.first, least(wanted.last, head.seq) AS last
    FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS wanted (log_id, first, last)
    JOIN log AS head ON head.log_id = wanted.log_id
), settled AS MATERIALIZED (
    SELECT least($5, ($8 + pg_snapshot_xmin(pg_current_snapshot())::text::bigint) << 16) AS before
), search (log_id, bound, low, high) AS (
    SELECT span.log_id, bound,
        CASE WHEN e.position < bound THEN span.last + 1 ELSE span.first END, span.last + 1
    FROM span JOIN entry AS e ON e.log_id = span.log_id AND e.seq = span.last
    CROSS JOIN (SELECT unnest(ARRAY[$4, before]) AS bound FROM settled) AS bounds
    WHERE span.first <= span.last
    UNION ALL
    SELECT s.log_id, bound, CASE WHEN e.position < bound THEN e.seq + 1 ELSE low END,
        CASE WHEN e.position < bound THEN high ELSE e.seq END
    FROM search AS s JOIN entry AS e ON e.log_id = s.log_id AND e.seq = (low + high) / 2
    WHERE low < high
), found AS MATERIALIZED (
    SELECT log_id, min(low) AS first, max(low) - 1 AS last
    FROM search WHERE low = high GROUP BY log_id
)
SELECT position, found.log_id, seq, ordinal, kind, sender, client_id, sent_at_ms, body
FROM found CROSS JOIN LATERAL (
    SELECT * FROM entry WHERE entry.log_id = found.log_id
      AND seq BETWEEN found.first AND found.last AND ($7::text[] IS NULL OR kind = ANY($7))
    ORDER BY seq ASC LIMIT $6
) AS placed
WHERE $4 < (SELECT before FROM settled)
ORDER BY position ASC LIMIT $6
-- name: seqs_of_ordinals
WITH RECURSIVE search (wanted, low, high) AS (
    SELECT wanted, $3::bigint, $4::bigint + 1 FROM unnest($2::bigint[]) AS wanted
    UNION ALL
    SELECT wanted, CASE WHEN e.ordinal < wanted THEN e.seq + 1 ELSE low END,
        CASE WHEN e.ordinal < wanted THEN high ELSE e.seq END
    FROM search JOIN entry AS e ON e.log_id = $1 AND e.seq = (low + high) / 2
    WHERE low < high
)
SELECT wanted, low FROM search WHERE low = high AND low <= $4
-- name: at_seqs
SELECT log_id, seq, ordinal, kind, sender, client_id, sent_at_ms, body FROM entry
WHERE log_id = $1 AND seq = ANY($2::bigint[]) ORDER BY seq
-- name: generation
SELECT generation FROM feed
-- name: tally
SELECT kind, sender, day, count(*), max(position)
FROM (
    SELECT position, kind, sender, sent_at_ms / 86400000 AS day FROM entry
    WHERE position > $1
      AND position < ($3 + pg_snapshot_xmin(pg_current_snapshot())::text::bigint) << 16
    ORDER BY position LIMIT $2
) AS next
GROUP BY kind, sender, day
-- name: end
SELECT position FROM entry
WHERE position < ($1 + pg_snapshot_xmin(pg_current_snapshot())::text::bigint) << 16
ORDER BY position DESC LIMIT 1
-- name: offset
SELECT place FROM reader WHERE name = $1
-- name: base
SELECT base FROM feed
-- name: fence
UPDATE writer SET fenced = TRUE WHERE writer_id = $1 RETURNING batch
-- name: end_session
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = $1 AND usename = current_user
-- name: enrol
INSERT INTO writer (writer_id, batch) VALUES ($1, 0)
-- name: resign
DELETE FROM writer WHERE writer_id = $1 OR made_at < now() - interval '30 days' AND fenced
