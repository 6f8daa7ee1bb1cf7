-- +goose Up
-- What datagrepper's queries select by (doc/datagrepper.md). category is a word of the topic: the fourth, or the third
-- of a VirtualTopic, or Unclassified. A name of message_users is that of somebody concerned (is_user), of who did it
-- (is_actor), or both; who did it is not known of messages from before this step.
ALTER TABLE messages ADD COLUMN category text NOT NULL DEFAULT '';
UPDATE messages SET category = coalesce(json_extract('[' || replace(json_quote(topic), '.', '","') || ']',
    CASE WHEN instr(topic, 'VirtualTopic') > 0 THEN '$[2]' ELSE '$[3]' END), 'Unclassified');
CREATE INDEX idx_messages_category ON messages (category, sent_at, id);
ALTER TABLE message_users ADD COLUMN is_user numeric NOT NULL DEFAULT true;
ALTER TABLE message_users ADD COLUMN is_actor numeric NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE message_users DROP COLUMN is_actor;
ALTER TABLE message_users DROP COLUMN is_user;
DROP INDEX idx_messages_category;
ALTER TABLE messages DROP COLUMN category;
