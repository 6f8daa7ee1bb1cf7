-- +goose Up
-- What messages on the bus say of owners and members, until a source of the directory has been asked that knows better
-- (package cmd/notifyd/daemon/directories). at is when the message was sent, in microseconds since 1970.
CREATE TABLE directory_hints (
    id integer PRIMARY KEY AUTOINCREMENT,
    message text NOT NULL,
    part text NOT NULL,
    subject text NOT NULL,
    who text NOT NULL,
    role text NOT NULL,
    gone numeric NOT NULL,
    sole numeric NOT NULL,
    at integer NOT NULL
);
CREATE UNIQUE INDEX idx_directory_hints_message ON directory_hints (message, part, subject, who);

-- +goose Down
DROP TABLE directory_hints;
