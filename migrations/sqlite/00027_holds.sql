-- +goose Up
-- Who may have a name, who may come in, and what is held back. Times are Unix microseconds, UTC.

-- the strongest proof by which a name was ever held: one that was only claimed is free for whoever proves it
ALTER TABLE names ADD COLUMN proof text NOT NULL DEFAULT '';

-- listed: the directory has had this person. missing_at: since when it has them no more, 0: it has
ALTER TABLE users ADD COLUMN listed numeric NOT NULL DEFAULT false;
ALTER TABLE users ADD COLUMN missing_at integer NOT NULL DEFAULT 0;

-- addresses and names that may make an account, folded
CREATE TABLE invitations (
    subject text NOT NULL PRIMARY KEY,
    invited_by text NOT NULL,
    created_at integer NOT NULL,
    expires_at integer NOT NULL
);
CREATE INDEX idx_invitations_expires_at ON invitations (expires_at);

-- nothing leaves a queue that is held: its owner is disabled
ALTER TABLE lanes ADD COLUMN held numeric NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE lanes DROP COLUMN held;
DROP TABLE invitations;
ALTER TABLE users DROP COLUMN missing_at;
ALTER TABLE users DROP COLUMN listed;
ALTER TABLE names DROP COLUMN proof;
