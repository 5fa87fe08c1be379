-- Servers of keys that admins add while the program runs; those of the settings are there at every start anyway.
ALTER TABLE nodes ADD COLUMN added boolean NOT NULL DEFAULT false;
