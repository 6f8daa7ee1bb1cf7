-- +goose Up
-- What the nodes on this database tell each other, since each sees only a part (package cmd/notifyd/daemon/nodes).
-- heard: what was heard of a service or endpoint by any node, until the node that looks for silences has taken it.
-- Times are in microseconds since 1970.
CREATE TABLE heard (
    what text NOT NULL,
    under text NOT NULL,
    name text NOT NULL,
    messages integer NOT NULL,
    heard_at integer NOT NULL,
    PRIMARY KEY (what, under, name)
);

-- A fact about a node, such as whether one of its endpoints is connected. Whoever says it says it again and again;
-- seen_at is when, by the database's clock.
CREATE TABLE node_facts (
    node text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    value text NOT NULL,
    seen_at integer NOT NULL,
    PRIMARY KEY (node, kind, name)
);

-- +goose Down
DROP TABLE node_facts;
DROP TABLE heard;
