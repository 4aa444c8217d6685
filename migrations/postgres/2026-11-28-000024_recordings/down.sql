DROP TABLE recording_hold;
DROP TABLE recording_segment;
DROP TABLE recording_consent;
DROP TABLE recording;
