DROP TABLE thread_participant;
DROP TABLE thread;
