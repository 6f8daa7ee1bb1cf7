-- +goose Up
-- What people do not want to hear of for a while. Times are Unix microseconds, UTC; ended_at: 0 is not before ends_at.
-- made_by: page, mail, irc, api. silenced: how many messages were not told of because of it.
CREATE TABLE mutes (
    id integer PRIMARY KEY AUTOINCREMENT,
    user_id integer NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    label text NOT NULL,
    made_at integer NOT NULL,
    made_by text NOT NULL,
    ends_at integer NOT NULL,
    until_solved numeric NOT NULL,
    errors numeric NOT NULL,
    ended_at integer NOT NULL,
    ended_by text NOT NULL,
    silenced integer NOT NULL,
    CONSTRAINT fk_mutes_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX idx_mutes_user_id ON mutes (user_id, ends_at);
CREATE INDEX idx_mutes_solved ON mutes (value) WHERE until_solved AND ended_at = 0;
CREATE INDEX idx_mutes_ends_at ON mutes (ends_at);

-- +goose Down
DROP TABLE mutes;
