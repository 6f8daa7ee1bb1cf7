-- +goose Up
-- The text of a notice once a message, and of each delivery only what is its own. Where a message goes and under which
-- name stands with its queue.
-- message: '' for the text of single deliveries, which differs from that of their message. digest: of notice, by which
-- a copy is known; 0: nobody shares it. whole: 0 for what is left of a notice, since all was sent.
CREATE TABLE contents (
    id bigserial PRIMARY KEY,
    message text NOT NULL,
    digest bigint NOT NULL,
    whole bigint NOT NULL,
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
    SELECT DISTINCT backend, destination, '', 9223372036854775807, 0, 0 FROM deliveries
    ON CONFLICT (destination, backend) DO NOTHING;
UPDATE lanes SET
    address = coalesce((SELECT d.address FROM deliveries d WHERE d.destination = lanes.destination AND
        d.backend = lanes.backend ORDER BY d.id DESC LIMIT 1), ''),
    owner = coalesce((SELECT CAST(t.user_id AS text) FROM destinations t WHERE
        t.id = CASE WHEN lanes.destination ~ '^[1-9][0-9]{0,17}$' THEN CAST(lanes.destination AS bigint) ELSE 0 END), '');

-- A notice that cannot be read is kept as it is. json_each takes no \u0000, so another escape stands for it meanwhile.
-- +goose StatementBegin
CREATE FUNCTION pg_temp.rest(notice text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN replace((SELECT coalesce(json_object_agg(key, value), '{}')
        FROM json_each(replace(notice, '\u0000', '\ue000')::json) WHERE key <> 'Why')::text, '\ue000', '\u0000');
EXCEPTION WHEN others THEN RETURN notice;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION pg_temp.why(notice text) RETURNS TABLE (at bigint, filter bigint, name text, sentence text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT w.ordinality, coalesce(substring(w.value ->> 'Link' FROM '/filters/([0-9]{1,18})')::bigint, 0),
        coalesce(w.value ->> 'Filter', ''), coalesce(w.value ->> 'Sentence', '')
        FROM json_array_elements(replace(notice, '\u0000', '\ue000')::json -> 'Why') WITH ORDINALITY AS w;
EXCEPTION WHEN others THEN RETURN;
END $$;
-- +goose StatementEnd

-- The reasons of old deliveries become revisions of their own: what they say was said then.
INSERT INTO filter_revisions (filter_id, user_id, name, rules, sentence, made_at, ended_at)
    SELECT DISTINCT w.filter, CASE WHEN l.owner = '' THEN 0 ELSE l.owner::bigint END, w.name, '', w.sentence, 1, 1
    FROM deliveries d
    JOIN lanes l ON l.destination = d.destination AND l.backend = d.backend
    CROSS JOIN pg_temp.why(d.notice) w;
CREATE INDEX idx_filter_revisions_said ON filter_revisions (user_id, filter_id, md5(name || sentence)) WHERE ended_at = 1;
ANALYZE filter_revisions;

-- One text of each message: the oldest that is still to be sent, or else the oldest. digest holds for a moment which
-- delivery a text of its own is for.
INSERT INTO contents (message, digest, whole, notice)
    SELECT message, 0, 1, pg_temp.rest(notice) FROM
        (SELECT DISTINCT ON (message) id, message, notice FROM deliveries ORDER BY message, state = 'done', id) AS d ORDER BY id;
CREATE UNIQUE INDEX idx_contents_message ON contents (message) WHERE message <> '';
ANALYZE contents;
INSERT INTO contents (message, digest, whole, notice)
    SELECT '', d.id, 1, d.rest FROM (SELECT id, message, pg_temp.rest(notice) AS rest FROM deliveries) AS d
    JOIN contents c ON c.message = d.message AND c.message <> '' WHERE c.notice <> d.rest ORDER BY d.id;
CREATE UNIQUE INDEX idx_contents_own ON contents (digest) WHERE digest <> 0;

ALTER TABLE deliveries RENAME TO old_deliveries;
ALTER TABLE old_deliveries RENAME CONSTRAINT deliveries_pkey TO old_deliveries_pkey;
-- content: the message. variant: its own text in contents; 0: that of the message. settled_at: 0 where the state is
-- waiting or claimed, and only there. relations: what the person is to the thing, in bits. reasons: filter:revision,
-- separated by commas.
CREATE TABLE deliveries (
    id bigint NOT NULL DEFAULT nextval('deliveries_id_seq'),
    content bigint NOT NULL,
    lane bigint NOT NULL,
    variant bigint NOT NULL,
    due_at bigint NOT NULL,
    added_at bigint NOT NULL,
    settled_at bigint NOT NULL,
    attempts bigint NOT NULL,
    failed_at bigint NOT NULL,
    relations bigint NOT NULL,
    together boolean NOT NULL,
    state text NOT NULL,
    parcel text NOT NULL,
    reasons text NOT NULL,
    hold text NOT NULL,
    manage text NOT NULL,
    last_error text NOT NULL
);
ALTER SEQUENCE deliveries_id_seq OWNED BY deliveries.id;
INSERT INTO deliveries
    SELECT d.id, c.id, l.id, coalesce(v.id, 0), d.due_at, d.added_at,
        CASE WHEN d.state IN ('waiting', 'claimed') THEN 0 ELSE greatest(d.settled_at, 1) END, d.attempts, d.failed_at, 0,
        d.together, d.state, d.parcel,
        coalesce((SELECT string_agg(r.filter_id || ':' || r.id, ',' ORDER BY w.at)
            FROM pg_temp.why(d.notice) w JOIN filter_revisions r ON r.ended_at = 1 AND
                r.user_id = CASE WHEN l.owner = '' THEN 0 ELSE l.owner::bigint END AND r.filter_id = w.filter AND
                md5(r.name || r.sentence) = md5(w.name || w.sentence)), ''),
        d.hold, CASE WHEN l.owner = '' THEN d.manage ELSE '' END, d.last_error
    FROM old_deliveries d
    JOIN contents c ON c.message = d.message AND c.message <> ''
    JOIN lanes l ON l.destination = d.destination AND l.backend = d.backend
    LEFT JOIN contents v ON v.digest = d.id AND v.digest <> 0
    ORDER BY d.id;
DROP INDEX idx_filter_revisions_said;
UPDATE filter_revisions SET ended_at = (SELECT max(added_at) FROM deliveries) WHERE ended_at = 1;
DROP INDEX idx_contents_own;
UPDATE contents SET digest = 0 WHERE digest <> 0;
DROP TABLE old_deliveries;
ALTER TABLE deliveries ADD PRIMARY KEY (id);
CREATE UNIQUE INDEX idx_deliveries_once ON deliveries (content, lane);
CREATE INDEX idx_deliveries_lane ON deliveries (lane, id);
CREATE INDEX idx_deliveries_open ON deliveries (lane, state, due_at) WHERE settled_at = 0;
CREATE INDEX idx_deliveries_dead ON deliveries (settled_at) WHERE state = 'dead';
CREATE INDEX idx_deliveries_variant ON deliveries (variant) WHERE variant > 0;
CREATE INDEX idx_contents_whole ON contents (id) WHERE whole = 1;
DROP FUNCTION pg_temp.rest, pg_temp.why;

-- +goose Down
-- Every delivery gets its text again. Refused where it would lose why somebody got something.
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM deliveries WHERE reasons <> '' OR relations <> 0) THEN
        RAISE EXCEPTION 'there are deliveries whose reasons the older schema cannot keep: restore the backup that was made before the upgrade, or wait until they are sent and deleted';
    END IF;
END $$;
-- +goose StatementEnd
ALTER TABLE deliveries RENAME TO new_deliveries;
ALTER TABLE new_deliveries RENAME CONSTRAINT deliveries_pkey TO new_deliveries_pkey;
CREATE TABLE deliveries (
    id bigint NOT NULL DEFAULT nextval('deliveries_id_seq'),
    message text NOT NULL,
    destination text NOT NULL,
    backend text NOT NULL,
    lane bigint NOT NULL,
    address text NOT NULL,
    notice text NOT NULL,
    manage text NOT NULL,
    together boolean NOT NULL,
    state text NOT NULL,
    due_at bigint NOT NULL,
    parcel text NOT NULL,
    attempts bigint NOT NULL,
    failed_at bigint NOT NULL,
    last_error text NOT NULL,
    added_at bigint NOT NULL,
    settled_at bigint NOT NULL,
    hold text NOT NULL DEFAULT ''
);
ALTER SEQUENCE deliveries_id_seq OWNED BY deliveries.id;
INSERT INTO deliveries
    SELECT d.id, c.message, l.destination, l.backend, d.lane, l.address, coalesce(v.notice, c.notice), d.manage, d.together,
        d.state, d.due_at, d.parcel, d.attempts, d.failed_at, d.last_error, d.added_at, d.settled_at, d.hold
    FROM new_deliveries d JOIN contents c ON c.id = d.content JOIN lanes l ON l.id = d.lane
    LEFT JOIN contents v ON v.id = d.variant AND d.variant > 0 ORDER BY d.id;
DROP TABLE new_deliveries;
DROP TABLE contents;
ALTER TABLE deliveries ADD PRIMARY KEY (id);
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
