-- +goose Up
-- What the sources of the directory said last (package cmd/notifyd/daemon/directories). One node asks them, and all
-- read it here. value is JSON, packed by gzip; empty: nothing yet. Times are in microseconds since 1970, 0 for never.
CREATE TABLE directory_values (
    name text NOT NULL,
    digest text NOT NULL,
    value bytea NOT NULL,
    fetched_at bigint NOT NULL,
    tried_at bigint NOT NULL,
    failed bigint NOT NULL,
    problem text NOT NULL,
    accept boolean NOT NULL,
    PRIMARY KEY (name)
);

-- +goose Down
DROP TABLE directory_values;
