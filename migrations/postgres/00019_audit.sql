-- +goose Up
-- Who changed what of whose account. No key leads to users: entries outlive the account, without what says who it was.
-- by_kind, by_id, by_name, by_role and network are who did it and from where; before and after are objects in JSON, ''
-- for none (package prefs/accounts). changed_at is in Unix microseconds.
CREATE TABLE audit (
    id bigserial PRIMARY KEY,
    changed_at bigint NOT NULL,
    user_id bigint NOT NULL,
    by_kind text NOT NULL,
    by_id bigint NOT NULL,
    by_name text NOT NULL,
    by_role text NOT NULL,
    network text NOT NULL,
    what text NOT NULL,
    object text NOT NULL,
    before text NOT NULL,
    after text NOT NULL
);
CREATE INDEX idx_audit_user_id ON audit (user_id, id);
CREATE INDEX idx_audit_changed_at ON audit (changed_at);
CREATE INDEX idx_audit_by_id ON audit (by_id);

-- +goose Down
DROP TABLE audit;
