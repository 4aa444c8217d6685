DROP TABLE prescription_template;
