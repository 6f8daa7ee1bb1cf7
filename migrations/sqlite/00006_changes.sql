-- +goose Up
-- which filters a revision touched, so that a node takes up what has changed and not everything; filter_id 0: the
-- revision itself, there for each, which shows a reader that none is missing. changed_at: Unix microseconds, UTC.
CREATE TABLE changes (
    revision integer NOT NULL,
    filter_id integer NOT NULL,
    changed_at integer NOT NULL,
    PRIMARY KEY (revision, filter_id)
);

-- +goose Down
DROP TABLE changes;
