-- What an audit line says besides who did what to what: a JSON object of ids, names of hosts, numbers; never
-- patient text. Part of the line's MAC where it is set, so that older lines stay as they were.
ALTER TABLE audit_entry ADD COLUMN detail text;
