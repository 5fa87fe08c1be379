-- Both indexes hold only the few rows that something is still to be done about; to make them costs one reading of the table.

-- A service that is suspended for another reason ends at its time as well.
CREATE INDEX services_due_suspended ON services (ends_at) WHERE status = 'suspended' AND NOT reasons @> ARRAY['expiry'];

-- The owner was told that the server takes longer with a new key; for a service that does not work yet, `services` says so.
ALTER TABLE peers ADD COLUMN late_told_at timestamptz;
CREATE INDEX peers_waiting ON peers (created_at) WHERE told_at IS NULL AND retired_at IS NULL AND late_told_at IS NULL;

-- Who was told that it began; they are told when a person ends it.
ALTER TABLE alerts ADD COLUMN told bigint[] NOT NULL DEFAULT '{}';
