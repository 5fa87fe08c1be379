DROP TABLE audit, alerts, outbox, peers, leases, offers, trials, services, pools, nodes, dead_letters, inbox, dialogues, users, leader_lease;
