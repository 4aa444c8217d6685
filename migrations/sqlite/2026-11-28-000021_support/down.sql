DROP TABLE support_entry;
DROP TABLE support_issue;
