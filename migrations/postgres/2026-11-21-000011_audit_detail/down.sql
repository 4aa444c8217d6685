ALTER TABLE audit_entry DROP COLUMN detail;
