-- +goose Up
-- Who one is, and what lets one in. Times are Unix microseconds, UTC.

-- proof: how the name on the bus came to be theirs: directory, operator, provider; claimed: they chose it, and nobody
-- has confirmed it; '' where there is no name. skeleton: what the name looks like (UTS 39). disabled: why nothing is
-- sent and nobody may sign in; '' where the account is in use. disabled_by: operator or upstream.
ALTER TABLE users ADD COLUMN proof text NOT NULL DEFAULT '';
UPDATE users SET proof = 'claimed';
ALTER TABLE users ADD COLUMN skeleton text NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN disabled text NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN disabled_by text NOT NULL DEFAULT '';
DROP INDEX idx_users_name;
CREATE UNIQUE INDEX idx_users_name ON users (name) WHERE name <> '';

-- sign_in: a link that is mailed there signs its owner in. account: the account of an IRC network's services that held
-- the nick when it was confirmed. vouched: directory, where no code was needed.
ALTER TABLE destinations ADD COLUMN sign_in boolean NOT NULL DEFAULT false;
ALTER TABLE destinations ADD COLUMN account text NOT NULL DEFAULT '';
ALTER TABLE destinations ADD COLUMN vouched text NOT NULL DEFAULT '';
UPDATE destinations SET sign_in = true WHERE id IN (
    SELECT min(id) FROM destinations WHERE confirmed AND backend = 'email' GROUP BY user_id);

-- who a provider says somebody is; groups is a list in JSON
CREATE TABLE identities (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    name text NOT NULL,
    groups text NOT NULL,
    created_at bigint NOT NULL,
    used_at bigint NOT NULL,
    CONSTRAINT fk_identities_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX idx_identities_subject ON identities (issuer, subject);
CREATE INDEX idx_identities_user_id ON identities (user_id);

-- who is signed in, where; key_hash is the digest of what the session holds. way: mail, or the name of a provider.
-- identity_id and destination_id: what let them in, 0 where it is the other. sid: the provider's name for its session.
CREATE TABLE logins (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL,
    key_hash text NOT NULL,
    way text NOT NULL,
    identity_id bigint NOT NULL,
    destination_id bigint NOT NULL,
    sid text NOT NULL,
    network text NOT NULL,
    agent text NOT NULL,
    created_at bigint NOT NULL,
    used_at bigint NOT NULL,
    fresh_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    CONSTRAINT fk_logins_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX idx_logins_key_hash ON logins (key_hash);
CREATE INDEX idx_logins_user_id ON logins (user_id);
CREATE INDEX idx_logins_destination_id ON logins (destination_id);
CREATE INDEX idx_logins_identity_id ON logins (identity_id);
CREATE INDEX idx_logins_expires_at ON logins (expires_at);

-- names that somebody holds or has held, folded, so that nobody else ever gets one. user_id: 0 where the account is
-- gone. holder: the digest of what proves that it is the same person. until: 0 while it is held.
CREATE TABLE names (
    name text NOT NULL PRIMARY KEY,
    skeleton text NOT NULL,
    user_id bigint NOT NULL,
    holder text NOT NULL,
    since bigint NOT NULL,
    until bigint NOT NULL
);
CREATE INDEX idx_names_skeleton ON names (skeleton);
CREATE INDEX idx_names_user_id ON names (user_id);

-- +goose Down
DROP TABLE names;
DROP TABLE logins;
DROP TABLE identities;
ALTER TABLE destinations DROP COLUMN vouched;
ALTER TABLE destinations DROP COLUMN account;
ALTER TABLE destinations DROP COLUMN sign_in;
DROP INDEX idx_users_name;
UPDATE users SET name = 'unnamed-' || id WHERE name = '';
CREATE UNIQUE INDEX idx_users_name ON users (name);
ALTER TABLE users DROP COLUMN disabled_by;
ALTER TABLE users DROP COLUMN disabled;
ALTER TABLE users DROP COLUMN skeleton;
ALTER TABLE users DROP COLUMN proof;
