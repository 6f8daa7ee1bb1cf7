-- +goose Up
-- Destinations that were deleted, until nothing of them can come back: by a send that was under way, or from an old
-- version of a page. address is that of a feed, '' of what a person typed. scrubbed: the write-ahead log is cut, or the
-- space of old versions freed (migrations.Scrub).
CREATE TABLE erasures (
    id bigserial PRIMARY KEY,
    destination text NOT NULL,
    backend text NOT NULL,
    address text NOT NULL,
    erased_at bigint NOT NULL,
    scrubbed boolean NOT NULL
);

-- +goose Down
DROP TABLE erasures;
