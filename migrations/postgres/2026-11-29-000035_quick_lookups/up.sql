-- What is urgent is sent first: lower priorities before higher ones.
ALTER TABLE delivery ADD COLUMN priority integer NOT NULL DEFAULT 1;
UPDATE delivery SET priority = 0
WHERE status IN ('queued', 'failed', 'sending')
  AND kind IN ('reminder_1h', 'email_verification', 'password_reset', 'security_alert');
DROP INDEX delivery_due;
CREATE INDEX delivery_due ON delivery (channel, priority, next_attempt_at, id)
  WHERE status IN ('queued', 'failed', 'sending');

-- Lists of one person's appointments in a facility. Without the facility in them, they are as good as
-- appointment_by_facility to a planner that knows nothing of how many rows there are.
DROP INDEX appointment_by_doctor;
DROP INDEX appointment_by_patient;
CREATE INDEX appointment_by_doctor ON appointment (doctor_id, facility_id, starts_at, id);
CREATE INDEX appointment_by_patient ON appointment (patient_id, facility_id, starts_at, id);

-- What is due, for statements with parameters: to them an index WHERE status = … is of no use.
DROP INDEX file_due;
DROP INDEX provider_recording_due;
CREATE INDEX file_due ON file (status, retry_at);
CREATE INDEX provider_recording_due ON provider_recording (status, retry_at);

-- A new appointment makes the database look for follow-ups that refer to it.
CREATE INDEX follow_up_appointment ON follow_up (appointment_id);

-- Lists of everything, newest first, and what waits.
CREATE INDEX delivery_list ON delivery (facility_id, id);
CREATE INDEX support_issue_list ON support_issue (facility_id, id);
CREATE INDEX webhook_delivery_backlog ON webhook_delivery (status) WHERE status IN ('queued', 'failed');
