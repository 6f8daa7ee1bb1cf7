-- +goose Up
-- What a filter was called and what it said, for each time that this changed: deliveries refer to the revision that
-- matched. It stays when the filter is deleted, until nothing refers to it.
-- filter_id: 0 where it is not known any more. sentence: the rules in words, as they were said then; '': to be made of
-- the rules. ended_at: 0 for how the filter is now.
CREATE TABLE filter_revisions (
    id integer PRIMARY KEY AUTOINCREMENT,
    filter_id integer NOT NULL,
    user_id integer NOT NULL,
    name text NOT NULL,
    rules text NOT NULL,
    sentence text NOT NULL,
    made_at integer NOT NULL,
    ended_at integer NOT NULL
);
CREATE INDEX idx_filter_revisions_filter ON filter_revisions (filter_id, ended_at);
CREATE INDEX idx_filter_revisions_user ON filter_revisions (user_id);
INSERT INTO filter_revisions (filter_id, user_id, name, rules, sentence, made_at, ended_at)
    SELECT id, user_id, name, rules, '', updated_at, 0 FROM filters ORDER BY id;

-- +goose Down
DROP TABLE filter_revisions;
