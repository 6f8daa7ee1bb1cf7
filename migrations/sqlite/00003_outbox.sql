-- +goose Up
-- Times are microseconds since 1970 in UTC, so that both dialects compare them alike.
CREATE TABLE lanes (
    id integer PRIMARY KEY AUTOINCREMENT,
    backend text NOT NULL,
    destination text NOT NULL,
    lease text NOT NULL,
    ready_at integer NOT NULL,
    window_at integer NOT NULL,
    window_count integer NOT NULL
);
CREATE UNIQUE INDEX idx_lanes_backend_destination ON lanes (backend, destination);
CREATE INDEX idx_lanes_ready ON lanes (backend, ready_at);

CREATE TABLE deliveries (
    id integer PRIMARY KEY AUTOINCREMENT,
    message text NOT NULL,
    destination text NOT NULL,
    backend text NOT NULL,
    lane integer NOT NULL,
    address text NOT NULL,
    notice text NOT NULL,
    manage text NOT NULL,
    together numeric NOT NULL,
    state text NOT NULL,
    due_at integer NOT NULL,
    parcel text NOT NULL,
    attempts integer NOT NULL,
    failed_at integer NOT NULL,
    last_error text NOT NULL,
    added_at integer NOT NULL,
    settled_at integer NOT NULL
);
CREATE UNIQUE INDEX idx_deliveries_once ON deliveries (message, destination);
CREATE INDEX idx_deliveries_lane ON deliveries (lane, state, due_at);
CREATE INDEX idx_deliveries_state ON deliveries (state, due_at, backend);
CREATE INDEX idx_deliveries_destination ON deliveries (destination, id);
CREATE INDEX idx_deliveries_parcel ON deliveries (parcel);

-- +goose Down
DROP TABLE deliveries;
DROP TABLE lanes;
