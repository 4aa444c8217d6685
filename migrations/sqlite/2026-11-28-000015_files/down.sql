DROP TABLE file_share;
DROP TABLE file;
