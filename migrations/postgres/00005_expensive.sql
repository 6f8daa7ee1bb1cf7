-- +goose Up
-- the steps that the search of one message took, for a filter that is too expensive and no longer evaluated; 0 for
-- all others
ALTER TABLE filters ADD COLUMN expensive bigint NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE filters DROP COLUMN expensive;
