-- +goose Up
-- Times are Unix microseconds, UTC. Ids are never used again: links and deliveries that were sent out name them.

CREATE TABLE users (
    id bigserial PRIMARY KEY,
    name text NOT NULL,
    zone text NOT NULL,
    created_at bigint NOT NULL
);
CREATE UNIQUE INDEX idx_users_name ON users (name);

-- every: microseconds; weekdays: bit 0 is Sunday
CREATE TABLE destinations (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL,
    backend text NOT NULL,
    address text NOT NULL,
    confirmed boolean NOT NULL,
    is_on boolean NOT NULL,
    disabled text NOT NULL,
    every bigint NOT NULL,
    at_count bigint NOT NULL,
    at_time text NOT NULL,
    weekdays bigint NOT NULL,
    created_at bigint NOT NULL,
    CONSTRAINT fk_destinations_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX idx_destinations_own ON destinations (user_id, backend, address);
-- one owner of a confirmed address; claims that are not confirmed block nobody
CREATE UNIQUE INDEX idx_destinations_claimed ON destinations (backend, address) WHERE confirmed;

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

-- codes that were mailed recently, to limit their rate; subject is a digest, not an address
CREATE TABLE sent_codes (
    id bigserial PRIMARY KEY,
    subject text NOT NULL,
    sent_at bigint NOT NULL
);
CREATE INDEX idx_sent_codes_subject ON sent_codes (subject, sent_at);
CREATE INDEX idx_sent_codes_sent_at ON sent_codes (sent_at);

CREATE TABLE api_tokens (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL,
    name text NOT NULL,
    token_hash text NOT NULL,
    created_at bigint NOT NULL,
    used_at bigint NOT NULL,
    CONSTRAINT fk_api_tokens_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX idx_api_tokens_token_hash ON api_tokens (token_hash);
CREATE INDEX idx_api_tokens_user_id ON api_tokens (user_id);

CREATE TABLE sessions (
    token_hash text NOT NULL PRIMARY KEY,
    data bytea NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX idx_sessions_expires_at ON sessions (expires_at);

CREATE TABLE secrets (
    name text NOT NULL PRIMARY KEY,
    value bytea NOT NULL
);

-- chosen: only the destinations in filter_destinations; otherwise all of the user
CREATE TABLE filters (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL,
    name text NOT NULL,
    rules text NOT NULL,
    is_on boolean NOT NULL,
    one_shot boolean NOT NULL,
    chosen boolean NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    CONSTRAINT fk_filters_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX idx_filters_user_id ON filters (user_id);

CREATE TABLE filter_destinations (
    filter_id bigint NOT NULL,
    destination_id bigint NOT NULL,
    PRIMARY KEY (filter_id, destination_id),
    CONSTRAINT fk_filter_destinations_filter FOREIGN KEY (filter_id) REFERENCES filters (id) ON DELETE CASCADE,
    CONSTRAINT fk_filter_destinations_destination FOREIGN KEY (destination_id) REFERENCES destinations (id) ON DELETE CASCADE
);
CREATE INDEX idx_filter_destinations_destination_id ON filter_destinations (destination_id);

-- one row, which counts the changes to what is delivered
CREATE TABLE revisions (
    id bigint NOT NULL PRIMARY KEY,
    value bigint NOT NULL
);
INSERT INTO revisions (id, value) VALUES (1, 1);

-- +goose Down
DROP TABLE revisions;
DROP TABLE filter_destinations;
DROP TABLE filters;
DROP TABLE secrets;
DROP TABLE sessions;
DROP TABLE api_tokens;
DROP TABLE sent_codes;
DROP TABLE sign_ins;
DROP TABLE confirmations;
DROP TABLE destinations;
DROP TABLE users;
