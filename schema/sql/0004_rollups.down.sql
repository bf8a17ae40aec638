DROP TABLE oee_rollup_daily;
DROP TABLE oee_rollup_shift;
DROP TABLE oee_rollup_hourly;
