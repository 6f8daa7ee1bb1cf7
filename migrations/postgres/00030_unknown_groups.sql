-- +goose Up
-- groups_unknown says that the provider did not say the groups when the identity was used last, since there were too
-- many. What groups holds then is what it said before, and gives no role.
ALTER TABLE identities ADD COLUMN groups_unknown boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE identities DROP COLUMN groups_unknown;
