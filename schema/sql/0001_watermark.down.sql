DROP TABLE takt_exported_machine;
DROP TABLE takt_watermark;
