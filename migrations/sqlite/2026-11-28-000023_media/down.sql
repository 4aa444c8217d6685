DROP TABLE consultation_annotation;
DROP TABLE participant_media;
