-- +goose Up
-- why a delivery is not due yet
ALTER TABLE deliveries ADD COLUMN hold text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE deliveries DROP COLUMN hold;
