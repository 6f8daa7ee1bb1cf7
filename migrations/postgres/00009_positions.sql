-- +goose Up
-- Where the publishers of a source stand (bus.Position), stored with the messages that say so: what was sent while
-- nothing ran shows at the next start. numbers are the counters, the newest first, with spaces between.
CREATE TABLE positions (
    source text NOT NULL,
    publisher text NOT NULL,
    numbers text NOT NULL,
    received_at bigint NOT NULL,
    msg_id text NOT NULL,
    PRIMARY KEY (source, publisher)
);
-- Messages that are missing and still to be asked for (bus.Hole). last_number is 0 where nobody knows how many.
CREATE TABLE holes (
    source text NOT NULL,
    number bigint NOT NULL,
    publisher text NOT NULL,
    sequence boolean NOT NULL,
    first_number bigint NOT NULL,
    last_number bigint NOT NULL,
    since_at bigint NOT NULL,
    until_at bigint NOT NULL,
    missing bigint NOT NULL,
    PRIMARY KEY (source, number)
);

-- +goose Down
DROP TABLE holes;
DROP TABLE positions;
