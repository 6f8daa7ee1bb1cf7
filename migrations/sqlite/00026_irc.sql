-- +goose Up
-- What IRC networks have shown of themselves: which nicks are one, and whether there are services that know people. It
-- outlives connections, since addresses are typed while there is none.
CREATE TABLE irc_networks (
    name text NOT NULL PRIMARY KEY,
    casemapping text NOT NULL,
    services text NOT NULL,
    changed_at integer NOT NULL
);

-- to which account of a network a secret was sent
ALTER TABLE mailed_secrets ADD COLUMN account text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE mailed_secrets DROP COLUMN account;
DROP TABLE irc_networks;
