-- +goose Up
-- the filters that each revision touched, so that a node reads only these again. Each revision also has a row with
-- filter_id 0, which shows a reader that no revision is missing. changed_at: Unix microseconds, UTC.
CREATE TABLE changes (
    revision bigint NOT NULL,
    filter_id bigint NOT NULL,
    changed_at bigint NOT NULL,
    PRIMARY KEY (revision, filter_id)
);

-- +goose Down
DROP TABLE changes;
