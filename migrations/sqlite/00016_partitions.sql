-- +goose Up
-- On PostgreSQL this step makes partitions of the history. A file of SQLite has none, and one writer: what is too old is
-- deleted row by row, and the ids are unique by the indexes of messages.
SELECT 1;

-- +goose Down
SELECT 1;
