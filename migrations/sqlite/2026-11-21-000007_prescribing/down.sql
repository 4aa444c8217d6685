DROP TABLE pharmacy_dispatch;
DROP TABLE prescription;
