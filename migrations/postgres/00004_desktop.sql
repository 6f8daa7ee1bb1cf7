-- +goose Up
-- A feed holds the notices of one desktop destination; seq counts its notices without a gap. Times are Unix
-- microseconds, UTC.
CREATE TABLE desktop_feeds (
    address text NOT NULL PRIMARY KEY,
    epoch text NOT NULL,
    last_seq bigint NOT NULL
);

CREATE TABLE desktop_notices (
    address text NOT NULL,
    seq bigint NOT NULL,
    parcel text NOT NULL,
    place bigint NOT NULL,
    notice text NOT NULL,
    added_at bigint NOT NULL,
    PRIMARY KEY (address, seq)
);
CREATE UNIQUE INDEX idx_desktop_notices_once ON desktop_notices (address, parcel, place);
CREATE INDEX idx_desktop_notices_added ON desktop_notices (added_at);

-- +goose Down
DROP TABLE desktop_notices;
DROP TABLE desktop_feeds;
