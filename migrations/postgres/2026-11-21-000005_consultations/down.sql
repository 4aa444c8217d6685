DROP TABLE waiting_place;
DROP TABLE consultation_note;
DROP TABLE consultation_message;
DROP TABLE participant_session;
DROP TABLE consultation_participant;
DROP TABLE consultation;
