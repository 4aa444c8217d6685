DROP TABLE quality_standing;
DROP TABLE consultation_quality;
DROP TABLE consultation_rating;
DROP TABLE note_amendment;
DROP INDEX consultation_of_patient;
ALTER TABLE consultation_note DROP COLUMN signed_at;
ALTER TABLE consultation_note DROP COLUMN signing_key;
ALTER TABLE consultation_note DROP COLUMN signature;
ALTER TABLE consultation_note DROP COLUMN signed;
