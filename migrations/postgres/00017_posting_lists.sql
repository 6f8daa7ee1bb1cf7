-- +goose Up
-- The category of openSUSE's messages is their application, the second word of the topic, as it is of new ones.
UPDATE messages SET category = split_part(topic, '.', 2)
    WHERE (starts_with(topic, 'opensuse.') OR starts_with(topic, 'suse.')) AND strpos(topic, 'VirtualTopic') = 0;

-- The names of messages as lists of entries that need no other row: the category and what the name is stand beside each,
-- in the index too. So what is selected by a name and a category is found by reading one list.
ALTER TABLE message_users ADD COLUMN category text NOT NULL DEFAULT '';
UPDATE message_users n SET category = m.category FROM messages m WHERE m.id = n.message_id;
ALTER TABLE message_users DROP CONSTRAINT message_users_pkey;
ALTER TABLE message_users ADD CONSTRAINT message_users_pkey
    PRIMARY KEY (name, sent_at, message_id) INCLUDE (is_user, is_actor, category);

ALTER TABLE message_packages ADD COLUMN category text NOT NULL DEFAULT '';
UPDATE message_packages n SET category = m.category FROM messages m WHERE m.id = n.message_id;
ALTER TABLE message_packages DROP CONSTRAINT message_packages_pkey;
ALTER TABLE message_packages ADD CONSTRAINT message_packages_pkey
    PRIMARY KEY (name, sent_at, message_id) INCLUDE (category);

-- +goose Down
ALTER TABLE message_packages DROP CONSTRAINT message_packages_pkey;
ALTER TABLE message_packages ADD CONSTRAINT message_packages_pkey PRIMARY KEY (name, sent_at, message_id);
ALTER TABLE message_packages DROP COLUMN category;
ALTER TABLE message_users DROP CONSTRAINT message_users_pkey;
ALTER TABLE message_users ADD CONSTRAINT message_users_pkey PRIMARY KEY (name, sent_at, message_id);
ALTER TABLE message_users DROP COLUMN category;
