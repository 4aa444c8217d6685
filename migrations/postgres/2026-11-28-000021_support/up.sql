-- Technical issues in consultations, and what was done about them. What somebody wrote is sealed.
CREATE TABLE support_issue (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility(id),
  consultation_id uuid NOT NULL,
  patient_id uuid NOT NULL,
  reporter_id uuid NOT NULL,
  reporter_role text NOT NULL,
  category text NOT NULL,
  severity text NOT NULL CHECK (severity IN ('low', 'medium', 'high')),
  status text NOT NULL CHECK (status IN ('open', 'assigned', 'resolved')),
  assignee_id uuid,
  content bytea NOT NULL,
  reported_at timestamptz NOT NULL,
  resolved_at timestamptz,
  version bigint NOT NULL
);
CREATE INDEX support_issue_inbox ON support_issue (facility_id, status, id);
CREATE INDEX support_issue_reporter ON support_issue (consultation_id, reporter_id, reported_at);

CREATE TABLE support_entry (
  id uuid PRIMARY KEY,
  issue_id uuid NOT NULL REFERENCES support_issue(id),
  facility_id uuid NOT NULL REFERENCES facility(id),
  author_id uuid,
  kind text NOT NULL,
  content bytea NOT NULL,
  noted_at timestamptz NOT NULL
);
CREATE INDEX support_entry_issue ON support_entry (issue_id, id);
