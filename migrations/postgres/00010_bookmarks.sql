-- +goose Up
-- How far each bridge has handed the messages on (history.Bookmark). Only holder may move it, until held_until. lost are
-- messages that were deleted before the bridge had come to them.
CREATE TABLE bookmarks (
    bridge text NOT NULL PRIMARY KEY,
    position bigint NOT NULL,
    lost bigint NOT NULL,
    holder text NOT NULL,
    held_until bigint NOT NULL
);

-- +goose Down
DROP TABLE bookmarks;
