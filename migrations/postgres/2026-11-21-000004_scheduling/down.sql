DROP TABLE occupancy, appointment, availability;
