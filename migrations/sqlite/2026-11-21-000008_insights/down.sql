DROP TABLE plugin_usage;
