-- +goose Up
-- Passkeys, by which people show that a mailed link is theirs. Times are Unix microseconds, UTC; used_at: 0 is never.
-- credential: JSON, with the public key.
CREATE TABLE passkeys (
    id integer PRIMARY KEY AUTOINCREMENT,
    user_id integer NOT NULL,
    credential_id text NOT NULL,
    credential text NOT NULL,
    name text NOT NULL,
    created_at integer NOT NULL,
    used_at integer NOT NULL,
    CONSTRAINT fk_passkeys_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX idx_passkeys_credential_id ON passkeys (credential_id);
CREATE INDEX idx_passkeys_user_id ON passkeys (user_id);

-- +goose Down
DROP TABLE passkeys;
