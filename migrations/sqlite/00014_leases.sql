-- +goose Up
-- What one node does at a time (package cmd/notifyd/leases). holder '' says that nobody does. beat is raised at each
-- taking and renewal: whoever waits takes over what has not changed for as long as a lease lasts, by its own clock.
-- taken_at and held_until are by the database's clock, for people to read.
CREATE TABLE leases (
    name text NOT NULL PRIMARY KEY,
    holder text NOT NULL,
    beat integer NOT NULL,
    taken_at integer NOT NULL,
    held_until integer NOT NULL
);

-- The daemons on this database, for people to read: nothing is decided by it. A node that has ended is gone from it; one
-- that was killed stays for a day, and seen_at is when it was there last.
CREATE TABLE nodes (
    name text NOT NULL PRIMARY KEY,
    version text NOT NULL,
    started_at integer NOT NULL,
    seen_at integer NOT NULL
);

-- +goose Down
DROP TABLE nodes;
DROP TABLE leases;
