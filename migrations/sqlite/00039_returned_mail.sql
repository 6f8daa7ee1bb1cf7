-- +goose Up
-- What came back of what was sent to a destination. parcel: a tag of the parcel. Times are Unix microseconds, UTC.
-- off_reason says why a destination was switched off, where its owner has not done it.
CREATE TABLE returned_mail (
    id integer PRIMARY KEY AUTOINCREMENT,
    destination_id integer NOT NULL,
    parcel text NOT NULL,
    kind text NOT NULL,
    words text NOT NULL,
    at integer NOT NULL,
    CONSTRAINT fk_returned_mail_destination FOREIGN KEY (destination_id) REFERENCES destinations (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX idx_returned_mail_once ON returned_mail (destination_id, parcel, kind);
CREATE INDEX idx_returned_mail_at ON returned_mail (at);
ALTER TABLE destinations ADD COLUMN off_reason text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE destinations DROP COLUMN off_reason;
DROP TABLE returned_mail;
