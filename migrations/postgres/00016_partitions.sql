-- +goose Up
-- +goose NO TRANSACTION
-- The history in partitions by the ids of its messages, so that what is too old goes by a DROP (package
-- history/partitions). What is there becomes the first partition as it is: no row is copied. A partition TABLE_n has the
-- ids below (n + 1) * 100000000 that the one before has not.
--
-- Each block is a transaction, and may be run again after one that failed. The first two keep nobody waiting for long:
-- they prove that all ids are below the bound, so that the third need not look at every row.

-- +goose StatementBegin
DO $$
DECLARE
    bound bigint;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'messages'::regclass) = 'p'
        OR EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'messages'::regclass AND conname = 'messages_bound') THEN
        RETURN;
    END IF;
    -- room for what is appended until the third block
    SELECT (coalesce(max(id), 0) + 10000000) / 100000000 * 100000000 + 100000000 INTO bound FROM messages;
    EXECUTE format('ALTER TABLE messages ADD CONSTRAINT messages_bound CHECK (id < %s) NOT VALID', bound);
    EXECUTE format('ALTER TABLE message_facts ADD CONSTRAINT message_facts_bound CHECK (message_id < %s) NOT VALID', bound);
    EXECUTE format('ALTER TABLE message_users ADD CONSTRAINT message_users_bound CHECK (message_id < %s) NOT VALID', bound);
    EXECUTE format('ALTER TABLE message_packages ADD CONSTRAINT message_packages_bound CHECK (message_id < %s) NOT VALID',
        bound);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'messages'::regclass) = 'p' THEN
        RETURN;
    END IF;
    ALTER TABLE messages VALIDATE CONSTRAINT messages_bound;
    ALTER TABLE message_facts VALIDATE CONSTRAINT message_facts_bound;
    ALTER TABLE message_users VALIDATE CONSTRAINT message_users_bound;
    ALTER TABLE message_packages VALIDATE CONSTRAINT message_packages_bound;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
DECLARE
    bound bigint;
    part text;
    old record;
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'messages'::regclass) = 'p' THEN
        RETURN;
    END IF;
    LOCK TABLE messages, message_facts, message_users, message_packages IN ACCESS EXCLUSIVE MODE;

    -- The ids of all partitions: no unique index of a partitioned table can be without the column it is divided by.
    -- Rows come in the order of id, and go so: a BRIN index finds those of a partition, and costs nearly nothing.
    CREATE TABLE message_ids (msg_id text NOT NULL, common_id text NOT NULL, id bigint NOT NULL);
    INSERT INTO message_ids SELECT msg_id, common_id, id FROM messages ORDER BY id;
    ALTER TABLE message_ids ADD PRIMARY KEY (msg_id);
    CREATE UNIQUE INDEX idx_message_ids_common_id ON message_ids (common_id) WHERE common_id <> '';
    CREATE INDEX idx_message_ids_id ON message_ids USING brin (id) WITH (autosummarize = on, pages_per_range = 32);
    DROP INDEX idx_messages_msg_id;
    DROP INDEX idx_messages_common_id;
    -- a partition that others refer to cannot go
    ALTER TABLE message_facts DROP CONSTRAINT fk_message_facts_message;
    ALTER TABLE message_users DROP CONSTRAINT fk_message_users_message;
    ALTER TABLE message_packages DROP CONSTRAINT fk_message_packages_message;

    SELECT substring(pg_get_constraintdef(oid) FROM '\d+')::bigint INTO bound FROM pg_constraint
        WHERE conrelid = 'messages'::regclass AND conname = 'messages_bound';
    part := '_' || (bound / 100000000 - 1);
    FOR old IN SELECT * FROM (VALUES
        ('idx_messages_time', 'messages', '_sent_at_id_idx'),
        ('idx_messages_topic', 'messages', '_topic_sent_at_id_idx'),
        ('idx_messages_app', 'messages', '_app_sent_at_id_idx'),
        ('idx_messages_kind', 'messages', '_kind_sent_at_id_idx'),
        ('idx_messages_category', 'messages', '_category_sent_at_id_idx'),
        ('idx_messages_source', 'messages', '_source_received_at_id_size_idx'),
        ('idx_messages_claimed_id', 'messages', '_claimed_id_idx'),
        ('messages_pkey', 'messages', '_pkey'),
        ('message_facts_pkey', 'message_facts', '_pkey'),
        ('message_users_pkey', 'message_users', '_pkey'),
        ('idx_message_users_message_id', 'message_users', '_message_id_idx'),
        ('message_packages_pkey', 'message_packages', '_pkey'),
        ('idx_message_packages_message_id', 'message_packages', '_message_id_idx')
    ) AS names (index, tab, suffix) LOOP
        EXECUTE format('ALTER INDEX %I RENAME TO %I', old.index, old.tab || part || old.suffix);
    END LOOP;
    FOR old IN SELECT unnest(ARRAY['messages', 'message_facts', 'message_users', 'message_packages']) AS tab LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO %I', old.tab, old.tab || part);
    END LOOP;

    EXECUTE format('CREATE TABLE messages (LIKE %I INCLUDING DEFAULTS) PARTITION BY RANGE (id)', 'messages' || part);
    ALTER TABLE messages ADD PRIMARY KEY (id);
    ALTER SEQUENCE messages_id_seq OWNED BY messages.id;
    EXECUTE format('ALTER TABLE %I ALTER COLUMN id DROP DEFAULT', 'messages' || part);
    CREATE INDEX idx_messages_time ON messages (sent_at, id);
    CREATE INDEX idx_messages_topic ON messages (topic, sent_at, id);
    CREATE INDEX idx_messages_app ON messages (app, sent_at, id);
    CREATE INDEX idx_messages_kind ON messages (kind, sent_at, id);
    CREATE INDEX idx_messages_category ON messages (category, sent_at, id);
    CREATE INDEX idx_messages_source ON messages (source, received_at, id, size);
    CREATE INDEX idx_messages_claimed_id ON messages (claimed_id) WHERE claimed_id <> '';

    EXECUTE format('CREATE TABLE message_facts (LIKE %I) PARTITION BY RANGE (message_id)', 'message_facts' || part);
    ALTER TABLE message_facts ADD PRIMARY KEY (message_id);

    EXECUTE format('CREATE TABLE message_users (LIKE %I INCLUDING DEFAULTS) PARTITION BY RANGE (message_id)',
        'message_users' || part);
    ALTER TABLE message_users ADD PRIMARY KEY (name, sent_at, message_id);
    CREATE INDEX idx_message_users_message_id ON message_users (message_id);

    EXECUTE format('CREATE TABLE message_packages (LIKE %I) PARTITION BY RANGE (message_id)', 'message_packages' || part);
    ALTER TABLE message_packages ADD PRIMARY KEY (name, sent_at, message_id);
    CREATE INDEX idx_message_packages_message_id ON message_packages (message_id);

    FOR old IN SELECT unnest(ARRAY['messages', 'message_facts', 'message_users', 'message_packages']) AS tab LOOP
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%s)', old.tab, old.tab || part,
            bound);
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', old.tab || part, old.tab || '_bound');
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
-- All partitions become one table again: every row is copied.
-- +goose StatementBegin
DO $$
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'messages'::regclass) <> 'p' THEN
        RETURN;
    END IF;
    LOCK TABLE messages, message_facts, message_users, message_packages IN ACCESS EXCLUSIVE MODE;
    CREATE TABLE plain_messages (LIKE messages INCLUDING DEFAULTS);
    INSERT INTO plain_messages SELECT * FROM messages ORDER BY id;
    CREATE TABLE plain_facts (LIKE message_facts);
    INSERT INTO plain_facts SELECT * FROM message_facts n WHERE EXISTS (SELECT FROM messages m WHERE m.id = n.message_id);
    CREATE TABLE plain_users (LIKE message_users INCLUDING DEFAULTS);
    INSERT INTO plain_users SELECT * FROM message_users n WHERE EXISTS (SELECT FROM messages m WHERE m.id = n.message_id);
    CREATE TABLE plain_packages (LIKE message_packages);
    INSERT INTO plain_packages SELECT * FROM message_packages n
        WHERE EXISTS (SELECT FROM messages m WHERE m.id = n.message_id);
    ALTER SEQUENCE messages_id_seq OWNED BY plain_messages.id;
    DROP TABLE messages, message_facts, message_users, message_packages, message_ids;

    ALTER TABLE plain_messages RENAME TO messages;
    ALTER TABLE messages ADD PRIMARY KEY (id);
    CREATE UNIQUE INDEX idx_messages_msg_id ON messages (msg_id);
    CREATE UNIQUE INDEX idx_messages_common_id ON messages (common_id) WHERE common_id <> '';
    CREATE INDEX idx_messages_time ON messages (sent_at, id);
    CREATE INDEX idx_messages_topic ON messages (topic, sent_at, id);
    CREATE INDEX idx_messages_app ON messages (app, sent_at, id);
    CREATE INDEX idx_messages_kind ON messages (kind, sent_at, id);
    CREATE INDEX idx_messages_category ON messages (category, sent_at, id);
    CREATE INDEX idx_messages_source ON messages (source, received_at, id, size);
    CREATE INDEX idx_messages_claimed_id ON messages (claimed_id) WHERE claimed_id <> '';

    ALTER TABLE plain_facts RENAME TO message_facts;
    ALTER TABLE message_facts ADD PRIMARY KEY (message_id), ADD CONSTRAINT fk_message_facts_message
        FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE;
    ALTER TABLE plain_users RENAME TO message_users;
    ALTER TABLE message_users ADD PRIMARY KEY (name, sent_at, message_id), ADD CONSTRAINT fk_message_users_message
        FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE;
    CREATE INDEX idx_message_users_message_id ON message_users (message_id);
    ALTER TABLE plain_packages RENAME TO message_packages;
    ALTER TABLE message_packages ADD PRIMARY KEY (name, sent_at, message_id), ADD CONSTRAINT fk_message_packages_message
        FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE;
    CREATE INDEX idx_message_packages_message_id ON message_packages (message_id);
END $$;
-- +goose StatementEnd
