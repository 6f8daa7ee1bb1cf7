-- +goose Up
-- What people have chosen about the looks of what they are sent: "format=text&list=package"; '' for nearly all.
ALTER TABLE destinations ADD COLUMN options text NOT NULL DEFAULT '';
CREATE INDEX idx_destinations_options ON destinations (id) WHERE options <> '';

-- +goose Down
DROP INDEX idx_destinations_options;
ALTER TABLE destinations DROP COLUMN options;
