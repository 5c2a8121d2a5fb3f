-- What every store holds; the rows' own tables are made from their declarations (rows.py).
-- log_key is private to this file: logs are named by log_id everywhere else.
CREATE TABLE IF NOT EXISTS log (
    log_key INTEGER PRIMARY KEY,
    log_id  TEXT NOT NULL UNIQUE,
    seq     INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    epoch   INTEGER NOT NULL
);
-- pos is the order of all commits, which readers follow. The two tables below it are its
-- indexes; they lag behind, see tail.py. client_id is NULL when the server made the entry.
CREATE TABLE IF NOT EXISTS entry (
    pos        INTEGER PRIMARY KEY,
    log_key    INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    ordinal    INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    sender     TEXT NOT NULL,
    client_id  TEXT,
    sent_at_ms INTEGER NOT NULL,
    body       BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS entry_place (
    log_key INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    pos     INTEGER NOT NULL,
    PRIMARY KEY (log_key, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entry_retry (
    log_key   INTEGER NOT NULL,
    sender    TEXT NOT NULL,
    client_id TEXT NOT NULL,
    pos       INTEGER NOT NULL,
    PRIMARY KEY (log_key, sender, client_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cursor (
    log_key       INTEGER NOT NULL,
    user_id       TEXT NOT NULL,
    read_seq      INTEGER NOT NULL,
    read_ordinal  INTEGER NOT NULL,
    delivered_seq INTEGER NOT NULL,
    sent_at_ms    INTEGER NOT NULL,
    PRIMARY KEY (log_key, user_id)
) WITHOUT ROWID;
-- pos is whatever a reader's source understands; empty is the beginning. It was an integer once.
CREATE TABLE IF NOT EXISTS reader (
    name TEXT PRIMARY KEY,
    pos  BLOB NOT NULL
) WITHOUT ROWID;
UPDATE reader SET pos = iif(pos = 0, x'', unhex(printf('%016X', pos))) WHERE typeof(pos) = 'integer';
-- How far entry_place and entry_retry have come.
CREATE TABLE IF NOT EXISTS indexed (pos INTEGER NOT NULL);
INSERT INTO indexed SELECT 0 WHERE NOT EXISTS (SELECT * FROM indexed);
-- Names this state of the logs, for devices that remember them: made anew in a restored copy.
CREATE TABLE IF NOT EXISTS generation (name TEXT NOT NULL);
INSERT INTO generation SELECT lower(hex(randomblob(8))) WHERE NOT EXISTS (SELECT * FROM generation);
