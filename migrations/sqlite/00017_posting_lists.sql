-- +goose Up
-- The category of openSUSE's messages is their application, the second word of the topic, as it is of new ones.
UPDATE messages SET category = coalesce(json_extract('[' || replace(json_quote(topic), '.', '","') || ']', '$[1]'),
    'Unclassified')
    WHERE (topic >= 'opensuse.' AND topic < 'opensuse/' OR topic >= 'suse.' AND topic < 'suse/')
        AND instr(topic, 'VirtualTopic') = 0;

-- The names of messages as lists of entries that need no other row: the category stands beside each, and on SQLite the
-- table is its own index (WITHOUT ROWID). So what is selected by a name and a category is found by reading one list.
CREATE TABLE new_users (
    name text NOT NULL,
    sent_at integer NOT NULL,
    message_id integer NOT NULL,
    is_user numeric NOT NULL DEFAULT true,
    is_actor numeric NOT NULL DEFAULT false,
    category text NOT NULL DEFAULT '',
    PRIMARY KEY (name, sent_at, message_id),
    CONSTRAINT fk_message_users_message FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO new_users SELECT n.name, n.sent_at, n.message_id, n.is_user, n.is_actor, m.category
    FROM message_users n JOIN messages m ON m.id = n.message_id ORDER BY n.name, n.sent_at, n.message_id;
DROP TABLE message_users;
ALTER TABLE new_users RENAME TO message_users;
CREATE INDEX idx_message_users_message_id ON message_users (message_id);

CREATE TABLE new_packages (
    name text NOT NULL,
    sent_at integer NOT NULL,
    message_id integer NOT NULL,
    category text NOT NULL DEFAULT '',
    PRIMARY KEY (name, sent_at, message_id),
    CONSTRAINT fk_message_packages_message FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE
) WITHOUT ROWID;
INSERT INTO new_packages SELECT n.name, n.sent_at, n.message_id, m.category
    FROM message_packages n JOIN messages m ON m.id = n.message_id ORDER BY n.name, n.sent_at, n.message_id;
DROP TABLE message_packages;
ALTER TABLE new_packages RENAME TO message_packages;
CREATE INDEX idx_message_packages_message_id ON message_packages (message_id);

-- +goose Down
CREATE TABLE new_users (
    name text NOT NULL,
    sent_at integer NOT NULL,
    message_id integer NOT NULL,
    is_user numeric NOT NULL DEFAULT true,
    is_actor numeric NOT NULL DEFAULT false,
    PRIMARY KEY (name, sent_at, message_id),
    CONSTRAINT fk_message_users_message FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE
);
INSERT INTO new_users SELECT name, sent_at, message_id, is_user, is_actor FROM message_users;
DROP TABLE message_users;
ALTER TABLE new_users RENAME TO message_users;
CREATE INDEX idx_message_users_message_id ON message_users (message_id);

CREATE TABLE new_packages (
    name text NOT NULL,
    sent_at integer NOT NULL,
    message_id integer NOT NULL,
    PRIMARY KEY (name, sent_at, message_id),
    CONSTRAINT fk_message_packages_message FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE
);
INSERT INTO new_packages SELECT name, sent_at, message_id FROM message_packages;
DROP TABLE message_packages;
ALTER TABLE new_packages RENAME TO message_packages;
CREATE INDEX idx_message_packages_message_id ON message_packages (message_id);
