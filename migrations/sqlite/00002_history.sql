-- +goose Up
-- Times are Unix microseconds, UTC. sent_at is the sender's, but never later than received_at.

CREATE TABLE messages (
    id integer PRIMARY KEY AUTOINCREMENT,
    msg_id text NOT NULL,
    source text NOT NULL,
    topic text NOT NULL,
    app text NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    summary text NOT NULL,
    link text NOT NULL,
    sent_at integer NOT NULL,
    received_at integer NOT NULL,
    size integer NOT NULL,
    payload blob NOT NULL
);
CREATE UNIQUE INDEX idx_messages_msg_id ON messages (msg_id);
CREATE INDEX idx_messages_time ON messages (sent_at, id);
CREATE INDEX idx_messages_topic ON messages (topic, sent_at, id);
CREATE INDEX idx_messages_app ON messages (app, sent_at, id);
-- retention: the oldest first, and the sum of the sizes without a look at the rows
CREATE INDEX idx_messages_retention ON messages (received_at, id, size);

CREATE TABLE message_users (
    name text NOT NULL,
    sent_at integer NOT NULL,
    message_id integer NOT NULL,
    PRIMARY KEY (name, sent_at, message_id),
    CONSTRAINT fk_message_users_message FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE
);
CREATE INDEX idx_message_users_message_id ON message_users (message_id);

CREATE TABLE message_packages (
    name text NOT NULL,
    sent_at integer NOT NULL,
    message_id integer NOT NULL,
    PRIMARY KEY (name, sent_at, message_id),
    CONSTRAINT fk_message_packages_message FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE
);
CREATE INDEX idx_message_packages_message_id ON message_packages (message_id);

-- +goose Down
DROP TABLE message_packages;
DROP TABLE message_users;
DROP TABLE messages;
