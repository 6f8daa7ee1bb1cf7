-- +goose Up
-- The text of a notice once a message, and of each delivery only what is its own. Where a message goes and under which
-- name stands with its queue.
-- message: '' for the text of single deliveries, which differs from that of their message. digest: of notice, by which
-- a copy is known; 0: nobody shares it. whole: 0 for what is left of a notice, since all was sent.
CREATE TABLE contents (
    id integer PRIMARY KEY AUTOINCREMENT,
    message text NOT NULL,
    digest integer NOT NULL,
    whole integer NOT NULL,
    notice text NOT NULL
);

UPDATE deliveries SET message = 'unnamed-' || id WHERE message = ''; -- there should be none
ALTER TABLE lanes ADD COLUMN address text NOT NULL DEFAULT '';
-- the person who has the destination, as a key; '': nobody is known
ALTER TABLE lanes ADD COLUMN owner text NOT NULL DEFAULT '';
DROP INDEX idx_lanes_backend_destination;
CREATE UNIQUE INDEX idx_lanes_destination ON lanes (destination, backend);
CREATE INDEX idx_lanes_owner ON lanes (owner);
INSERT INTO lanes (backend, destination, lease, ready_at, window_at, window_count)
    SELECT DISTINCT backend, destination, '', 9223372036854775807, 0, 0 FROM deliveries WHERE true
    ON CONFLICT (destination, backend) DO NOTHING;
UPDATE lanes SET
    address = coalesce((SELECT d.address FROM deliveries d WHERE d.destination = lanes.destination AND
        d.backend = lanes.backend ORDER BY d.id DESC LIMIT 1), ''),
    owner = coalesce((SELECT CAST(t.user_id AS text) FROM destinations t WHERE t.id = CAST(lanes.destination AS integer)
        AND CAST(t.id AS text) = lanes.destination), '');

-- The reasons of old deliveries become revisions of their own: what they say was said then.
CREATE INDEX idx_filter_revisions_said ON filter_revisions (user_id, filter_id, name, sentence, ended_at);
INSERT INTO filter_revisions (filter_id, user_id, name, rules, sentence, made_at, ended_at)
    SELECT DISTINCT CASE WHEN instr(w.value ->> '$.Link', '/filters/') > 0 THEN
        CAST(substr(w.value ->> '$.Link', instr(w.value ->> '$.Link', '/filters/') + 9) AS integer) ELSE 0 END,
        CAST(l.owner AS integer), coalesce(w.value ->> '$.Filter', ''), '', coalesce(w.value ->> '$.Sentence', ''), 1, 1
    FROM deliveries d
    JOIN lanes l ON l.destination = d.destination AND l.backend = d.backend
    JOIN json_each(CASE WHEN json_valid(d.notice) THEN d.notice ELSE '{}' END, '$.Why') w ON w.type = 'object';

-- One text of each message: the oldest that is still to be sent, or else the oldest. digest holds for a moment which
-- delivery a text of its own is for.
INSERT INTO contents (message, digest, whole, notice)
    SELECT message, 0, 1, CASE WHEN json_valid(notice) THEN json_remove(notice, '$.Why') ELSE notice END
    FROM deliveries d WHERE message <> '' AND id = (SELECT id FROM deliveries e WHERE e.message = d.message
        ORDER BY state = 'done', id LIMIT 1) ORDER BY id;
CREATE UNIQUE INDEX idx_contents_message ON contents (message) WHERE message <> '';
INSERT INTO contents (message, digest, whole, notice)
    SELECT '', d.id, 1, CASE WHEN json_valid(d.notice) THEN json_remove(d.notice, '$.Why') ELSE d.notice END
    FROM deliveries d JOIN contents c ON c.message = d.message AND c.message <> ''
    WHERE c.notice <> CASE WHEN json_valid(d.notice) THEN json_remove(d.notice, '$.Why') ELSE d.notice END ORDER BY d.id;
CREATE UNIQUE INDEX idx_contents_own ON contents (digest) WHERE digest <> 0;

-- content: the message. variant: its own text in contents; 0: that of the message. settled_at: 0 where the state is
-- waiting or claimed, and only there. relations: what the person is to the thing, in bits. reasons: filter:revision,
-- separated by commas.
CREATE TABLE new_deliveries (
    id integer PRIMARY KEY AUTOINCREMENT,
    content integer NOT NULL,
    lane integer NOT NULL,
    variant integer NOT NULL,
    due_at integer NOT NULL,
    added_at integer NOT NULL,
    settled_at integer NOT NULL,
    attempts integer NOT NULL,
    failed_at integer NOT NULL,
    relations integer NOT NULL,
    together numeric NOT NULL,
    state text NOT NULL,
    parcel text NOT NULL,
    reasons text NOT NULL,
    hold text NOT NULL,
    manage text NOT NULL,
    last_error text NOT NULL
);
INSERT INTO new_deliveries
    SELECT d.id, c.id, l.id, coalesce(v.id, 0), d.due_at, d.added_at,
        CASE WHEN d.state IN ('waiting', 'claimed') THEN 0 ELSE max(d.settled_at, 1) END, d.attempts, d.failed_at, 0,
        d.together, d.state, d.parcel,
        coalesce((SELECT group_concat(r.filter_id || ':' || r.id, ',')
            FROM json_each(CASE WHEN json_valid(d.notice) THEN d.notice ELSE '{}' END, '$.Why') w
            JOIN filter_revisions r ON r.user_id = CAST(l.owner AS integer) AND r.ended_at = 1 AND
                r.filter_id = CASE WHEN instr(w.value ->> '$.Link', '/filters/') > 0 THEN
                    CAST(substr(w.value ->> '$.Link', instr(w.value ->> '$.Link', '/filters/') + 9) AS integer) ELSE 0 END AND
                r.name = coalesce(w.value ->> '$.Filter', '') AND r.sentence = coalesce(w.value ->> '$.Sentence', '')
            WHERE w.type = 'object'), ''),
        d.hold, CASE WHEN l.owner = '' THEN d.manage ELSE '' END, d.last_error
    FROM deliveries d
    CROSS JOIN contents c ON c.message = d.message AND c.message <> ''
    CROSS JOIN lanes l ON l.destination = d.destination AND l.backend = d.backend
    LEFT JOIN contents v ON v.digest = d.id AND v.digest <> 0
    ORDER BY d.id;
DELETE FROM sqlite_sequence WHERE name = 'new_deliveries';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_deliveries', seq FROM sqlite_sequence WHERE name = 'deliveries';
DROP INDEX idx_filter_revisions_said;
UPDATE filter_revisions SET ended_at = (SELECT max(added_at) FROM deliveries) WHERE ended_at = 1;
DROP INDEX idx_contents_own;
UPDATE contents SET digest = 0 WHERE digest <> 0;
DROP TABLE deliveries;
ALTER TABLE new_deliveries RENAME TO deliveries;
CREATE UNIQUE INDEX idx_deliveries_once ON deliveries (content, lane);
CREATE INDEX idx_deliveries_lane ON deliveries (lane, id);
CREATE INDEX idx_deliveries_open ON deliveries (lane, state, due_at) WHERE settled_at = 0;
CREATE INDEX idx_deliveries_dead ON deliveries (settled_at) WHERE state = 'dead';
CREATE INDEX idx_deliveries_variant ON deliveries (variant) WHERE variant > 0;
CREATE INDEX idx_contents_whole ON contents (id) WHERE whole = 1;

-- +goose Down
-- Every delivery gets its text again. Refused where it would lose why somebody got something.
CREATE TABLE refusal (n integer NOT NULL);
-- +goose StatementBegin
CREATE TRIGGER refuse BEFORE INSERT ON refusal
    WHEN EXISTS (SELECT 1 FROM deliveries WHERE reasons <> '' OR relations <> 0) BEGIN
    SELECT RAISE(ABORT, 'there are deliveries whose reasons the older schema cannot keep: restore the backup that was made before the upgrade, or wait until they are sent and deleted');
END;
-- +goose StatementEnd
INSERT INTO refusal VALUES (1);
DROP TABLE refusal;
CREATE TABLE old_deliveries (
    id integer PRIMARY KEY AUTOINCREMENT,
    message text NOT NULL,
    destination text NOT NULL,
    backend text NOT NULL,
    lane integer NOT NULL,
    address text NOT NULL,
    notice text NOT NULL,
    manage text NOT NULL,
    together numeric NOT NULL,
    state text NOT NULL,
    due_at integer NOT NULL,
    parcel text NOT NULL,
    attempts integer NOT NULL,
    failed_at integer NOT NULL,
    last_error text NOT NULL,
    added_at integer NOT NULL,
    settled_at integer NOT NULL,
    hold text NOT NULL DEFAULT ''
);
INSERT INTO old_deliveries
    SELECT d.id, c.message, l.destination, l.backend, d.lane, l.address, coalesce(v.notice, c.notice), d.manage, d.together,
        d.state, d.due_at, d.parcel, d.attempts, d.failed_at, d.last_error, d.added_at, d.settled_at, d.hold
    FROM deliveries d CROSS JOIN contents c ON c.id = d.content CROSS JOIN lanes l ON l.id = d.lane
    LEFT JOIN contents v ON v.id = d.variant AND d.variant > 0 ORDER BY d.id;
DELETE FROM sqlite_sequence WHERE name = 'old_deliveries';
INSERT INTO sqlite_sequence (name, seq) SELECT 'old_deliveries', seq FROM sqlite_sequence WHERE name = 'deliveries';
DROP TABLE deliveries;
DROP TABLE contents;
ALTER TABLE old_deliveries RENAME TO deliveries;
CREATE UNIQUE INDEX idx_deliveries_once ON deliveries (message, destination);
CREATE INDEX idx_deliveries_lane ON deliveries (lane, state, due_at);
CREATE INDEX idx_deliveries_state ON deliveries (state, due_at, backend);
CREATE INDEX idx_deliveries_destination ON deliveries (destination, id);
CREATE INDEX idx_deliveries_parcel ON deliveries (parcel);
DROP INDEX idx_lanes_owner;
DROP INDEX idx_lanes_destination;
CREATE UNIQUE INDEX idx_lanes_backend_destination ON lanes (backend, destination);
ALTER TABLE lanes DROP COLUMN owner;
ALTER TABLE lanes DROP COLUMN address;
