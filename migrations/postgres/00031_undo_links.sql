-- +goose Up
-- Nothing was ever written here: the secrets of links that undo a change are in mailed_secrets.
DROP TABLE undo_links;

-- +goose Down
CREATE TABLE undo_links (
    token_hash text NOT NULL PRIMARY KEY,
    undo_id bigint NOT NULL,
    strong boolean NOT NULL,
    CONSTRAINT fk_undo_links_undo FOREIGN KEY (undo_id) REFERENCES undos (id) ON DELETE CASCADE
);
CREATE INDEX idx_undo_links_undo_id ON undo_links (undo_id);
