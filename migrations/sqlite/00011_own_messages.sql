-- +goose Up
-- What services and endpoints of the bus usually say (package bus/pace), one row each. silent_at is when it was heard
-- last, where it is silent; otherwise 0. record is the text that the package writes.
CREATE TABLE paces (
    what text NOT NULL,
    under text NOT NULL,
    name text NOT NULL,
    heard_at integer NOT NULL,
    silent_at integer NOT NULL,
    lost numeric NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (what, under, name)
);
-- What notifyd itself says on the bus, from the transaction that it tells of until the message is in the history. Rows
-- of one event and subject are one while batch is 0, and counted in times. batch is the id of the row once it is said.
CREATE TABLE own_messages (
    id integer PRIMARY KEY AUTOINCREMENT,
    event text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    times integer NOT NULL,
    made_at integer NOT NULL,
    batch integer NOT NULL
);
CREATE UNIQUE INDEX idx_own_messages_subject ON own_messages (event, subject, batch);

-- +goose Down
DROP TABLE own_messages;
DROP TABLE paces;
