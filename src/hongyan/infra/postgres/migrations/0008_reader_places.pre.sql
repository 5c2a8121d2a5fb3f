-- A saved place becomes bytes: whatever the source of a reader understands. Servers of the release
-- before go on with integers meanwhile, and the trigger keeps both columns alike.
ALTER TABLE reader ADD COLUMN place bytea;
UPDATE reader SET place = CASE position WHEN 0 THEN ''::bytea ELSE int8send(position) END;
ALTER TABLE reader ALTER COLUMN position SET DEFAULT 0;

CREATE FUNCTION reader_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.place IS NULL OR TG_OP = 'UPDATE' AND new.position <> old.position THEN
        new.place := CASE new.position WHEN 0 THEN ''::bytea ELSE int8send(new.position) END;
    ELSIF length(new.place) = 8 THEN
        new.position := ('x' || encode(new.place, 'hex'))::bit(64)::bigint;
    ELSIF length(new.place) = 0 THEN
        new.position := 0;
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER reader_place BEFORE INSERT OR UPDATE ON reader
FOR EACH ROW EXECUTE FUNCTION reader_place();
