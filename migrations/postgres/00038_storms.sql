-- +goose Up
-- What bounds how much comes at once, and where a notice goes instead. Times and lengths are microseconds, UTC.

-- came: what came at once for a destination in its window (internal/moving). folds_at: when the digest goes in which
-- the rest is, 0: there is none
ALTER TABLE lanes DROP COLUMN window_count;
ALTER TABLE lanes ADD COLUMN came text NOT NULL DEFAULT '';
ALTER TABLE lanes ADD COLUMN folds_at bigint NOT NULL DEFAULT 0;

-- a person's own cap of a destination; 0: the site's
ALTER TABLE destinations ADD COLUMN cap_count bigint NOT NULL DEFAULT 0;
ALTER TABLE destinations ADD COLUMN cap_window bigint NOT NULL DEFAULT 0;

-- notices about the start and the end of one thing, by destination and a hash of the thing. message: whose delivery
-- waits for the end; '': the end was first
CREATE TABLE pairs (
    destination text NOT NULL,
    thing text NOT NULL,
    message text NOT NULL,
    happened_at bigint NOT NULL,
    ends_at bigint NOT NULL,
    PRIMARY KEY (destination, thing, message)
);
CREATE INDEX idx_pairs_ends_at ON pairs (ends_at);

-- how long "started" waits for "finished"; 0: it does not
ALTER TABLE filters ADD COLUMN hold_started bigint NOT NULL DEFAULT 0;

-- how many notices a filter usually has in ten minutes, in thousandths; kept where it is one or more. measured_at of
-- filter 0: since when they are counted
CREATE TABLE filter_rates (
    filter_id bigint NOT NULL PRIMARY KEY,
    usual bigint NOT NULL,
    measured_at bigint NOT NULL
);
INSERT INTO filter_rates (filter_id, usual, measured_at)
    SELECT 0, 0, (extract(epoch FROM now()) * 1000000)::bigint WHERE EXISTS (SELECT 1 FROM filters);

-- the filters that have many times more than usual: their notices go together at folds_at
CREATE TABLE surges (
    filter_id bigint NOT NULL PRIMARY KEY,
    began_at bigint NOT NULL,
    folds_at bigint NOT NULL,
    came bigint NOT NULL,
    usual bigint NOT NULL
);
CREATE INDEX idx_surges_folds_at ON surges (folds_at);

-- where what a destination does not take goes: after so many attempts, or so long; 0: does not count
CREATE TABLE fallbacks (
    destination_id bigint NOT NULL PRIMARY KEY,
    to_id bigint NOT NULL,
    attempts bigint NOT NULL,
    after bigint NOT NULL,
    set_at bigint NOT NULL,
    CONSTRAINT fk_fallbacks_destination FOREIGN KEY (destination_id) REFERENCES destinations (id) ON DELETE CASCADE,
    CONSTRAINT fk_fallbacks_to FOREIGN KEY (to_id) REFERENCES destinations (id) ON DELETE CASCADE
);
CREATE INDEX idx_fallbacks_to_id ON fallbacks (to_id);

-- what a person wants of critical notices: to_id has them too when they were not taken after a while, 0: nobody has;
-- everywhere: all confirmed addresses have them at once
CREATE TABLE escalations (
    user_id bigint NOT NULL PRIMARY KEY,
    to_id bigint NOT NULL,
    after bigint NOT NULL,
    everywhere boolean NOT NULL,
    set_at bigint NOT NULL,
    CONSTRAINT fk_escalations_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

-- +goose Down
DROP TABLE escalations;
DROP TABLE fallbacks;
DROP TABLE surges;
DROP TABLE filter_rates;
ALTER TABLE filters DROP COLUMN hold_started;
DROP TABLE pairs;
ALTER TABLE destinations DROP COLUMN cap_window;
ALTER TABLE destinations DROP COLUMN cap_count;
ALTER TABLE lanes DROP COLUMN folds_at;
ALTER TABLE lanes DROP COLUMN came;
ALTER TABLE lanes ADD COLUMN window_count bigint NOT NULL DEFAULT 0;
