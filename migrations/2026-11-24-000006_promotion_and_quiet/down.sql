DROP TABLE held_notices;
ALTER TABLE nodes DROP COLUMN ad_tag, DROP COLUMN promotion_secret, DROP COLUMN promotion_until;
