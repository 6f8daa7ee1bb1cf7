-- +goose Up
-- When a filter ends by itself: microseconds, UTC; 0: never.
ALTER TABLE filters ADD COLUMN ends_at integer NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE filters DROP COLUMN ends_at;
