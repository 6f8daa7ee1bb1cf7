-- +goose Up
-- Sign-ins at a provider that have begun and are not over. The hashes are digests of what the provider sends back, of
-- what its ID token must say, and of the cookie of the browser. purpose: '' to sign in, fresh, link; login_id: the
-- login that it is about, 0 for none. Times are Unix microseconds.
CREATE TABLE attempts (
    state_hash text NOT NULL PRIMARY KEY,
    nonce_hash text NOT NULL,
    browser_hash text NOT NULL,
    provider text NOT NULL,
    back text NOT NULL,
    purpose text NOT NULL,
    login_id bigint NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX idx_attempts_expires_at ON attempts (expires_at);

-- Ids of tokens that count once, until they are too old in any case.
CREATE TABLE used_ids (
    id_hash text NOT NULL PRIMARY KEY,
    expires_at bigint NOT NULL
);
CREATE INDEX idx_used_ids_expires_at ON used_ids (expires_at);

-- +goose Down
DROP TABLE used_ids;
DROP TABLE attempts;
