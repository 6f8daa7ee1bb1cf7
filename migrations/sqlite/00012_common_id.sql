-- +goose Up
-- What the ids of a message on two buses have in common, the UUID, so that a message that both bring is kept once. '' of
-- an id in another form, of a message that is kept beside another with the same id, and of a message from before this
-- step, which is found by the id that it has.
ALTER TABLE messages ADD COLUMN common_id text NOT NULL DEFAULT '';
CREATE UNIQUE INDEX idx_messages_common_id ON messages (common_id) WHERE common_id <> '';

-- +goose Down
DROP INDEX idx_messages_common_id;
ALTER TABLE messages DROP COLUMN common_id;
