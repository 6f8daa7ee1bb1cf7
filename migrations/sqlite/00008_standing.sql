-- +goose Up
-- What was proved of the sender of a message when it was received (bus.Standing), and a hash of its content. A
-- message from before this step has the verdict '' and no hash. claimed_id is the id that the sender gave, for a
-- message that is kept under another because two came with that id; '' for all others.
ALTER TABLE messages ADD COLUMN claimed_id text NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN content_hash text NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN verdict text NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN signer text NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN method text NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN reason text NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN marked numeric NOT NULL DEFAULT false;
ALTER TABLE messages ADD COLUMN late numeric NOT NULL DEFAULT false;
CREATE INDEX idx_messages_claimed_id ON messages (claimed_id) WHERE claimed_id <> '';
-- retention: the oldest of each source first, and the sum of the sizes without a look at the rows
DROP INDEX idx_messages_retention;
CREATE INDEX idx_messages_source ON messages (source, received_at, id, size);

-- +goose Down
DROP INDEX idx_messages_source;
CREATE INDEX idx_messages_retention ON messages (received_at, id, size);
DROP INDEX idx_messages_claimed_id;
ALTER TABLE messages DROP COLUMN late;
ALTER TABLE messages DROP COLUMN marked;
ALTER TABLE messages DROP COLUMN reason;
ALTER TABLE messages DROP COLUMN method;
ALTER TABLE messages DROP COLUMN signer;
ALTER TABLE messages DROP COLUMN verdict;
ALTER TABLE messages DROP COLUMN content_hash;
ALTER TABLE messages DROP COLUMN claimed_id;
