-- A token whose answer was lost may be shown once more: to know which one it was exchanged for, and by which client
-- (the SHA-256 of what it calls itself).
ALTER TABLE refresh_token ADD COLUMN predecessor BLOB;
ALTER TABLE refresh_token ADD COLUMN used_by BLOB;
