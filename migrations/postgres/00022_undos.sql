-- +goose Up
-- How an intruder is put out. Times are Unix microseconds, UTC.

-- where a desktop token was used last
ALTER TABLE api_tokens ADD COLUMN network text NOT NULL DEFAULT '';
ALTER TABLE api_tokens ADD COLUMN agent text NOT NULL DEFAULT '';

-- a network and a program with which a person has signed in before, as a digest
CREATE TABLE places (
    user_id bigint NOT NULL,
    digest text NOT NULL,
    seen_at bigint NOT NULL,
    PRIMARY KEY (user_id, digest),
    CONSTRAINT fk_places_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX idx_places_seen_at ON places (seen_at);

-- a change of what lets somebody in, which its owner can undo; data says in JSON what it takes. undone_at: 0 until then
CREATE TABLE undos (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL,
    kind text NOT NULL,
    data text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    undone_at bigint NOT NULL,
    CONSTRAINT fk_undos_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX idx_undos_user_id ON undos (user_id);
CREATE INDEX idx_undos_expires_at ON undos (expires_at);

-- a link that undoes a change, as a digest; strong: it was mailed to an address that may sign in
CREATE TABLE undo_links (
    token_hash text NOT NULL PRIMARY KEY,
    undo_id bigint NOT NULL,
    strong boolean NOT NULL,
    CONSTRAINT fk_undo_links_undo FOREIGN KEY (undo_id) REFERENCES undos (id) ON DELETE CASCADE
);
CREATE INDEX idx_undo_links_undo_id ON undo_links (undo_id);

-- +goose Down
DROP TABLE undo_links;
DROP TABLE undos;
DROP TABLE places;
ALTER TABLE api_tokens DROP COLUMN agent;
ALTER TABLE api_tokens DROP COLUMN network;
