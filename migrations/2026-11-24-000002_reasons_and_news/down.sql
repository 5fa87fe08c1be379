ALTER TABLE alerts DROP COLUMN told;
DROP INDEX peers_waiting;
ALTER TABLE peers DROP COLUMN late_told_at;
DROP INDEX services_due_suspended;
