-- +goose Up
-- When people are told. Times are Unix microseconds, UTC.

-- quiet: quiet hours as they are written, "mon-fri 22:00-07:00". pause_until: 0 where there was no pause. pause_end: what
-- becomes of what came meanwhile, digest or drop, and whether it was resumed. pause_strict: critical notices wait too
ALTER TABLE users ADD COLUMN quiet text NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN pause_since bigint NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN pause_until bigint NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN pause_end text NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN pause_strict boolean NOT NULL DEFAULT false;

-- at_once_from: the severity from which a notice goes at once. first_at_once: the first goes at once
ALTER TABLE destinations ADD COLUMN quiet text NOT NULL DEFAULT '';
ALTER TABLE destinations ADD COLUMN at_once_from text NOT NULL DEFAULT '';
ALTER TABLE destinations ADD COLUMN first_at_once boolean NOT NULL DEFAULT false;

-- the schedule of a filter for one destination, where it is not that of the destination
CREATE TABLE filter_schedules (
    filter_id bigint NOT NULL,
    destination_id bigint NOT NULL,
    every bigint NOT NULL,
    at_count bigint NOT NULL,
    at_time text NOT NULL,
    weekdays bigint NOT NULL,
    at_once_from text NOT NULL,
    first_at_once boolean NOT NULL,
    PRIMARY KEY (filter_id, destination_id),
    CONSTRAINT fk_filter_schedules_filter FOREIGN KEY (filter_id) REFERENCES filters (id) ON DELETE CASCADE,
    CONSTRAINT fk_filter_schedules_destination FOREIGN KEY (destination_id) REFERENCES destinations (id) ON DELETE CASCADE
);
CREATE INDEX idx_filter_schedules_destination_id ON filter_schedules (destination_id);

-- free: its owner holds nothing back, so nobody need be asked. lead_at: the end of the window that the first notice has
-- opened; lead_more: something waits for that end
ALTER TABLE lanes ADD COLUMN free boolean NOT NULL DEFAULT false;
ALTER TABLE lanes ADD COLUMN lead_at bigint NOT NULL DEFAULT 0;
ALTER TABLE lanes ADD COLUMN lead_more boolean NOT NULL DEFAULT false;

-- +goose Down
-- refused while somebody has said what this version alone can keep
CREATE TABLE when_lost (n bigint NOT NULL, CONSTRAINT "remove quiet hours, pauses and new schedules first" CHECK (n = 0));
INSERT INTO when_lost SELECT count(*) FROM users WHERE quiet <> '' OR pause_until > 0;
INSERT INTO when_lost SELECT count(*) FROM destinations
    WHERE quiet <> '' OR at_once_from <> '' OR first_at_once OR at_time LIKE '%,%';
INSERT INTO when_lost SELECT count(*) FROM filter_schedules;
DROP TABLE when_lost;
ALTER TABLE lanes DROP COLUMN lead_more;
ALTER TABLE lanes DROP COLUMN lead_at;
ALTER TABLE lanes DROP COLUMN free;
DROP TABLE filter_schedules;
ALTER TABLE destinations DROP COLUMN first_at_once;
ALTER TABLE destinations DROP COLUMN at_once_from;
ALTER TABLE destinations DROP COLUMN quiet;
ALTER TABLE users DROP COLUMN pause_strict;
ALTER TABLE users DROP COLUMN pause_end;
ALTER TABLE users DROP COLUMN pause_until;
ALTER TABLE users DROP COLUMN pause_since;
ALTER TABLE users DROP COLUMN quiet;
