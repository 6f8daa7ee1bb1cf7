-- +goose Up
-- off_reason: why an operator has switched a filter off, for its owner to read; '' where nobody has. off_by: the
-- operator's name.
ALTER TABLE filters ADD COLUMN off_reason text NOT NULL DEFAULT '';
ALTER TABLE filters ADD COLUMN off_by text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE filters DROP COLUMN off_by;
ALTER TABLE filters DROP COLUMN off_reason;
