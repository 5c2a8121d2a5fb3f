-- What the migrations come to, to be read in one piece; a test compares. The tables of rows are
-- made from their declarations (rows.py).
-- All that belongs to one log is keyed by log_id and lies in the partition of its hash, so that
-- a distributed PostgreSQL can shard these tables by log_id just so.
CREATE TABLE log (
    log_id   text COLLATE "C" NOT NULL,
    seq      bigint NOT NULL,
    ordinal  bigint NOT NULL,
    epoch    bigint NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (log_id)
) PARTITION BY HASH (log_id);

-- position is (feed.base + transaction id) * 65536 + number within the transaction. client_id is
-- NULL when the server made the entry.
CREATE TABLE entry (
    log_id     text COLLATE "C" NOT NULL,
    seq        bigint NOT NULL,
    ordinal    bigint NOT NULL,
    kind       text COLLATE "C" NOT NULL,
    sender     text COLLATE "C" NOT NULL,
    client_id  text COLLATE "C",
    sent_at_ms bigint NOT NULL,
    body       bytea NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (log_id, seq)
) PARTITION BY HASH (log_id);

CREATE TABLE cursor (
    log_id        text COLLATE "C" NOT NULL,
    user_id       text COLLATE "C" NOT NULL,
    read_seq      bigint NOT NULL,
    read_ordinal  bigint NOT NULL,
    delivered_seq bigint NOT NULL,
    sent_at_ms    bigint NOT NULL,
    PRIMARY KEY (log_id, user_id)
) PARTITION BY HASH (log_id);

DO $$
BEGIN
    FOR part IN 0..7 LOOP
        EXECUTE format('CREATE TABLE log_%s PARTITION OF log '
            'FOR VALUES WITH (MODULUS 8, REMAINDER %s) WITH (fillfactor = 70)', part, part);
        EXECUTE format('CREATE TABLE entry_%s PARTITION OF entry '
            'FOR VALUES WITH (MODULUS 8, REMAINDER %s)', part, part);
        EXECUTE format('CREATE TABLE cursor_%s PARTITION OF cursor '
            'FOR VALUES WITH (MODULUS 8, REMAINDER %s) WITH (fillfactor = 70)', part, part);
    END LOOP;
END $$;

CREATE UNIQUE INDEX entry_retry ON entry (log_id, sender, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX entry_position ON entry (position);

-- place is whatever a reader's source understands; empty is the beginning.
CREATE TABLE reader (
    name  text COLLATE "C" PRIMARY KEY,
    place bytea NOT NULL
);

-- Added to transaction ids, so that positions go on ascending when the data has moved here from
-- a database whose positions were greater.
-- generation names this state of the logs, for devices that remember them. home is the database
-- that it was made in: a copy that was restored elsewhere gets another generation.
CREATE TABLE feed (
    base       bigint NOT NULL,
    generation text COLLATE "C",
    home       text COLLATE "C"
);
INSERT INTO feed VALUES (0);

-- How far a move from another database has come, see moving.py; empty where there was none.
CREATE TABLE move (
    part text COLLATE "C" PRIMARY KEY,
    done bytea NOT NULL
);

-- One row for each connection that writes: the number of its last batch. It tells whether a
-- batch stands whose answer was lost. A fenced writer can commit nothing any more.
CREATE TABLE writer (
    writer_id text COLLATE "C" PRIMARY KEY,
    batch     bigint NOT NULL,
    fenced    boolean NOT NULL DEFAULT FALSE,
    made_at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 30);
