-- Looks at the rows that were there before; nobody has to wait for it.
ALTER TABLE services VALIDATE CONSTRAINT services_product_check, VALIDATE CONSTRAINT services_plan_id_fkey;
ALTER TABLE offers
    VALIDATE CONSTRAINT offers_kind_check,
    VALIDATE CONSTRAINT offers_check,
    VALIDATE CONSTRAINT offers_grant_check,
    VALIDATE CONSTRAINT offers_planned_check,
    VALIDATE CONSTRAINT offers_plan_id_fkey,
    VALIDATE CONSTRAINT offers_for_user_fkey;
