-- What a nudged server has to do is found without looking at everything on it. Indices only.

CREATE INDEX peers_work ON peers (node_id) WHERE removed_at IS NULL AND (retired_at IS NOT NULL OR NOT applied);
CREATE INDEX access_keys_work ON access_keys (node_id)
    WHERE removed_at IS NULL AND (retired_at IS NOT NULL OR applied <> 'open');
CREATE INDEX services_suspended ON services (node_id) WHERE status = 'suspended';
CREATE INDEX leases_held ON leases (service_id) WHERE state <> 'released';
-- Keys that are over: those that a server shows although they should be gone.
CREATE INDEX access_keys_over ON access_keys (node_id, name) WHERE removed_at IS NOT NULL;
