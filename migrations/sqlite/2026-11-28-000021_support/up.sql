-- Technical issues in consultations, and what was done about them. What somebody wrote is sealed.
CREATE TABLE support_issue (
  id BLOB PRIMARY KEY NOT NULL,
  facility_id BLOB NOT NULL REFERENCES facility(id),
  consultation_id BLOB NOT NULL,
  patient_id BLOB NOT NULL,
  reporter_id BLOB NOT NULL,
  reporter_role TEXT NOT NULL,
  category TEXT NOT NULL,
  severity TEXT NOT NULL CHECK (severity IN ('low', 'medium', 'high')),
  status TEXT NOT NULL CHECK (status IN ('open', 'assigned', 'resolved')),
  assignee_id BLOB,
  content BLOB NOT NULL,
  reported_at TEXT NOT NULL,
  resolved_at TEXT,
  version INTEGER NOT NULL
) STRICT;
CREATE INDEX support_issue_inbox ON support_issue (facility_id, status, id);
CREATE INDEX support_issue_reporter ON support_issue (consultation_id, reporter_id, reported_at);

CREATE TABLE support_entry (
  id BLOB PRIMARY KEY NOT NULL,
  issue_id BLOB NOT NULL REFERENCES support_issue(id),
  facility_id BLOB NOT NULL REFERENCES facility(id),
  author_id BLOB,
  kind TEXT NOT NULL,
  content BLOB NOT NULL,
  noted_at TEXT NOT NULL
) STRICT;
CREATE INDEX support_entry_issue ON support_entry (issue_id, id);
