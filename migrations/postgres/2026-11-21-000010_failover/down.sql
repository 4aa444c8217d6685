DROP TABLE webhook_inbox;
ALTER TABLE doctor DROP COLUMN video_provider;
ALTER TABLE consultation_participant DROP COLUMN capabilities;
DROP TABLE consultation_video;
