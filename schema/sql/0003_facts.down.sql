DROP TABLE audit_log;
DROP TABLE fact_sensor_event;
DROP TABLE fact_scrap;
DROP TABLE fact_quality;
DROP TABLE fact_downtime;
DROP TABLE fact_production;
