-- +goose Up
-- the steps that searching one message took, of a filter that is too expensive and is not asked any more; 0 for all others
ALTER TABLE filters ADD COLUMN expensive integer NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE filters DROP COLUMN expensive;
