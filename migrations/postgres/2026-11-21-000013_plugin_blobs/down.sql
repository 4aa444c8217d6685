DROP TABLE plugin_blob;
