-- +goose Up
-- The names of a message, packed (history/facts.go): a scan of the history reads them first. Messages from before
-- this step have none and are decoded instead.
CREATE TABLE message_facts (
    message_id bigint NOT NULL PRIMARY KEY,
    facts bytea NOT NULL,
    CONSTRAINT fk_message_facts_message FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE
);
CREATE INDEX idx_messages_kind ON messages (kind, sent_at, id);

-- +goose Down
DROP INDEX idx_messages_kind;
DROP TABLE message_facts;
