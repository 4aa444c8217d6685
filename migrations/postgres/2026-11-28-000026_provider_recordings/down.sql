DROP TABLE provider_look;
DELETE FROM recording_hold WHERE recording_id IN (SELECT id FROM recording WHERE agreed_in IS NOT NULL);
DELETE FROM recording WHERE agreed_in IS NOT NULL;
ALTER TABLE recording DROP COLUMN agreed_in;
DROP TABLE provider_recording;
