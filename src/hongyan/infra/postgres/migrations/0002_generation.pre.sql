-- What names this state of the logs, and the database that it was made in.
ALTER TABLE feed ADD COLUMN generation text COLLATE "C";
ALTER TABLE feed ADD COLUMN home text COLLATE "C";
