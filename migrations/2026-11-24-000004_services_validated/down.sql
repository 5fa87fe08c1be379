-- A constraint that holds stays one that holds; the migration before takes it away.
SELECT 1;
