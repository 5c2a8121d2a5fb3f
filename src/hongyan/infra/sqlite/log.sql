-- name: head
SELECT log_key, seq, ordinal, epoch FROM log WHERE log_id = ?;
-- name: next_key
SELECT coalesce(max(log_key), 0) + 1 FROM log;
-- name: next_pos
SELECT coalesce(max(pos), 0) + 1 FROM entry;
-- name: find
SELECT seq, ordinal, kind, sender, client_id, sent_at_ms, body FROM entry
WHERE log_key = (SELECT log_key FROM log WHERE log_id = ?) AND sender = ? AND client_id = ?;
-- name: ordinal_at
SELECT ordinal FROM entry WHERE log_key = ? AND seq = ?;
-- name: rewrite
UPDATE entry SET body = ? WHERE log_key = ? AND seq = ?;
-- name: oldest
SELECT seq, ordinal, kind, sender, client_id, sent_at_ms, body FROM entry
WHERE log_key = (SELECT log_key FROM log WHERE log_id = :log_id)
  AND seq BETWEEN :first AND :last
  AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
ORDER BY seq LIMIT :limit;
-- name: newest
SELECT seq, ordinal, kind, sender, client_id, sent_at_ms, body FROM entry
WHERE log_key = (SELECT log_key FROM log WHERE log_id = :log_id)
  AND seq BETWEEN :first AND :last
  AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
ORDER BY seq DESC LIMIT :limit;
-- name: heads
SELECT log_id, seq, ordinal, epoch FROM json_each(?) CROSS JOIN log ON log_id = value;
-- name: tails
SELECT log_id, e.seq, e.ordinal, kind, sender, client_id, sent_at_ms, body
FROM json_each(:spans) AS span CROSS JOIN log ON log_id = span.value ->> 0
CROSS JOIN entry AS e ON e.pos IN (
    SELECT pos FROM entry AS newest
    WHERE newest.log_key = log.log_key
      AND newest.seq BETWEEN span.value ->> 1 AND span.value ->> 2
      AND (:kinds IS NULL OR newest.kind IN (SELECT value FROM json_each(:kinds)))
    ORDER BY newest.seq DESC LIMIT :limit
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
WHERE pos > ? ORDER BY pos LIMIT ?;
-- name: place
SELECT pos FROM reader WHERE name = ?;
-- name: save_place
INSERT INTO reader (name, pos) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET pos = excluded.pos;
