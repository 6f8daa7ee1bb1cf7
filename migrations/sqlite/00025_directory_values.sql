-- +goose Up
-- What the sources of the directory said last (package cmd/notifyd/daemon/directories). One node asks them, and all
-- read it here. value is JSON, packed by gzip; empty: nothing yet. Times are in microseconds since 1970, 0 for never.
CREATE TABLE directory_values (
    name text NOT NULL,
    digest text NOT NULL,
    value blob NOT NULL,
    fetched_at integer NOT NULL,
    tried_at integer NOT NULL,
    failed integer NOT NULL,
    problem text NOT NULL,
    accept numeric NOT NULL,
    PRIMARY KEY (name)
);

-- +goose Down
DROP TABLE directory_values;
