DROP TRIGGER reader_place ON reader;
DROP FUNCTION reader_place();
ALTER TABLE reader DROP COLUMN position;
ALTER TABLE reader ALTER COLUMN place SET NOT NULL;
