-- What the program before knows nothing of goes: servers of keys, and services on them.
ALTER TABLE users DROP COLUMN quiet_from, DROP COLUMN quiet_to, DROP COLUMN reminders;
DROP TABLE usage_days;
DROP TABLE key_samples;
DROP TABLE access_keys;
DROP SEQUENCE outline_key_ids;
DELETE FROM offers
WHERE kind IN ('free', 'grant', 'renew', 'move')
   OR plan_id IN (SELECT id FROM plans WHERE product <> 'wireguard')
   OR service_id IN (SELECT id FROM services WHERE product <> 'wireguard');
ALTER TABLE offers
    DROP CONSTRAINT offers_kind_check,
    DROP CONSTRAINT offers_check,
    DROP CONSTRAINT offers_grant_check,
    DROP CONSTRAINT offers_planned_check,
    DROP COLUMN plan_id,
    DROP COLUMN for_user,
    ADD CONSTRAINT offers_kind_check CHECK (kind IN ('trial', 'rotate', 'revoke')),
    ADD CONSTRAINT offers_check CHECK ((kind = 'trial') = (service_id IS NULL));
DELETE FROM trials WHERE product <> 'wireguard';
DELETE FROM services WHERE product <> 'wireguard';
DROP INDEX services_free, services_counts, services_remind, services_grace, services_node;
ALTER TABLE services
    DROP COLUMN plan_id, DROP COLUMN free, DROP COLUMN granted, DROP COLUMN devices, DROP COLUMN period, DROP COLUMN period_at, DROP COLUMN quota_base,
    DROP COLUMN reminded, DROP COLUMN remind_at,
    DROP CONSTRAINT services_product_check,
    ADD CONSTRAINT services_product_check CHECK (product IN ('wireguard'));
DELETE FROM nodes WHERE driver <> 'wireguard';
ALTER TABLE nodes
    DROP CONSTRAINT nodes_driver_check,
    DROP CONSTRAINT nodes_tunnel_check,
    DROP CONSTRAINT nodes_access_check,
    DROP COLUMN country, DROP COLUMN state, DROP COLUMN capacity, DROP COLUMN settings, DROP COLUMN access, DROP COLUMN incarnation,
    ALTER COLUMN interface SET NOT NULL,
    ALTER COLUMN listen_port SET NOT NULL,
    ALTER COLUMN public_key SET NOT NULL,
    ALTER COLUMN private_key SET NOT NULL;
DROP TABLE plans_withdrawn;
DROP TABLE plans;
DROP FUNCTION plans_never_change();
