DROP TABLE plugin_value, lease, topic_event, topic_head, stored_answer, timer, audit_block, audit_entry,
  parked_entity, subscriber_cursor, outbox, data_key, installation, facility;
