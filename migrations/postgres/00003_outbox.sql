-- +goose Up
-- Times are microseconds since 1970 in UTC, so that both dialects compare them alike.
CREATE TABLE lanes (
    id bigserial PRIMARY KEY,
    backend text NOT NULL,
    destination text NOT NULL,
    lease text NOT NULL,
    ready_at bigint NOT NULL,
    window_at bigint NOT NULL,
    window_count bigint NOT NULL
);
CREATE UNIQUE INDEX idx_lanes_backend_destination ON lanes (backend, destination);
CREATE INDEX idx_lanes_ready ON lanes (backend, ready_at);

CREATE TABLE deliveries (
    id bigserial PRIMARY KEY,
    message text NOT NULL,
    destination text NOT NULL,
    backend text NOT NULL,
    lane bigint NOT NULL,
    address text NOT NULL,
    notice text NOT NULL,
    manage text NOT NULL,
    together boolean NOT NULL,
    state text NOT NULL,
    due_at bigint NOT NULL,
    parcel text NOT NULL,
    attempts bigint NOT NULL,
    failed_at bigint NOT NULL,
    last_error text NOT NULL,
    added_at bigint NOT NULL,
    settled_at bigint NOT NULL
);
CREATE UNIQUE INDEX idx_deliveries_once ON deliveries (message, destination);
CREATE INDEX idx_deliveries_lane ON deliveries (lane, state, due_at);
CREATE INDEX idx_deliveries_state ON deliveries (state, due_at, backend);
CREATE INDEX idx_deliveries_destination ON deliveries (destination, id);
CREATE INDEX idx_deliveries_parcel ON deliveries (parcel);

-- +goose Down
DROP TABLE deliveries;
DROP TABLE lanes;
