DROP INDEX access_keys_over, leases_held, services_suspended, access_keys_work, peers_work;
