-- For the lists of what pharmacists are to dispense.
CREATE INDEX pharmacy_dispatch_worklist ON pharmacy_dispatch (facility_id, status, id);
