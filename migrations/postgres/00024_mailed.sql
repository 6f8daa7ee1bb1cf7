-- +goose Up
-- Secrets that travel by mail. Times are Unix microseconds, UTC.

-- What somebody asked to be mailed; the secret is made when the mail is made. slot: the digest of what it is about, by
-- which the same request is found again. ends_at: no mail of it is made later.
CREATE TABLE mailed (
    id bigserial PRIMARY KEY,
    slot text NOT NULL,
    purpose text NOT NULL,
    user_id bigint NOT NULL,
    destination_id bigint NOT NULL,
    backend text NOT NULL,
    address text NOT NULL,
    about text NOT NULL,
    site text NOT NULL,
    attempts bigint NOT NULL,
    mails bigint NOT NULL,
    mailed_at bigint NOT NULL,
    ends_at bigint NOT NULL
);
CREATE UNIQUE INDEX idx_mailed_slot ON mailed (slot);
CREATE INDEX idx_mailed_user_id ON mailed (user_id);
CREATE INDEX idx_mailed_ends_at ON mailed (ends_at);

-- the digests of its secrets: one for each attempt to send the mail
CREATE TABLE mailed_secrets (
    digest text NOT NULL PRIMARY KEY,
    request_id bigint NOT NULL,
    made_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    CONSTRAINT fk_mailed_secrets_request FOREIGN KEY (request_id) REFERENCES mailed (id) ON DELETE CASCADE
);
CREATE INDEX idx_mailed_secrets_request_id ON mailed_secrets (request_id);

-- whose an address is, in whatever case it is typed
CREATE INDEX idx_destinations_folded ON destinations (backend, lower(address)) WHERE confirmed;

-- links and codes of before lived for minutes, and end here
DROP TABLE sign_ins;
DROP TABLE confirmations;

-- +goose Down
DROP INDEX idx_destinations_folded;
CREATE TABLE confirmations (
    destination_id bigint NOT NULL PRIMARY KEY,
    code_hash text NOT NULL,
    attempts bigint NOT NULL,
    expires_at bigint NOT NULL,
    CONSTRAINT fk_confirmations_destination FOREIGN KEY (destination_id) REFERENCES destinations (id) ON DELETE CASCADE
);
CREATE TABLE sign_ins (
    token_hash text NOT NULL PRIMARY KEY,
    address text NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX idx_sign_ins_expires_at ON sign_ins (expires_at);
DROP TABLE mailed_secrets;
DROP TABLE mailed;
