DROP TABLE patient_name_token;
DROP TABLE patient;
DROP TABLE doctor;
