DROP TABLE occupancy;
DROP TABLE appointment;
DROP TABLE availability;
