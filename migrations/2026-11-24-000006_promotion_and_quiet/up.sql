-- Promotion of proxy servers, and notices that wait for the end of somebody's quiet hours. Expand only.

ALTER TABLE nodes
    -- What @MTProxybot gave for it; every user of the server gets it. NULL: no promotion.
    ADD COLUMN ad_tag text CHECK (ad_tag ~ '^[0-9a-f]{32}$' AND ad_tag <> repeat('0', 32)),
    -- Sealed: a secret of nobody's, with which an admin registers it just now.
    ADD COLUMN promotion_secret bytea,
    ADD COLUMN promotion_until timestamptz,
    ADD CHECK (driver = 'telemt' OR (ad_tag IS NULL AND promotion_secret IS NULL)),
    ADD CHECK ((promotion_secret IS NULL) = (promotion_until IS NULL));

-- Not in the outbox yet: there they would hold back whatever comes after them in the same chat.
CREATE TABLE held_notices (
    dedupe     text        PRIMARY KEY,
    user_id    bigint      NOT NULL REFERENCES users,
    content    jsonb       NOT NULL,
    created_at timestamptz NOT NULL,
    -- When the quiet hours end.
    due_at     timestamptz NOT NULL
);
CREATE INDEX held_notices_due ON held_notices (due_at);
