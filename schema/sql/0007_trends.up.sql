-- Trends over all that is exported; in PostgreSQL they are kept and made anew a few times an hour.

-- OEE per machine and ISO week.
CREATE @snapshot@ mv_machine_oee_weekly AS
SELECT machine, iso_year, iso_week, first_day, planned_busy_time_s, actual_production_time_s, produced_quantity, good_quantity,
       scrap_quantity, rework_quantity, stops, failures,
       actual_production_time_s / nullif(planned_busy_time_s, 0) AS availability,
       CASE WHEN complete THEN ideal_production_time_s / nullif(actual_production_time_s, 0) END AS effectiveness,
       CASE WHEN complete THEN ideal_good_time_s / nullif(ideal_production_time_s, 0) END AS quality_ratio,
       CASE WHEN complete THEN ideal_good_time_s / nullif(planned_busy_time_s, 0) END AS oee
FROM (
  SELECT r.machine, d.iso_year, d.iso_week, min(d.date) AS first_day,
         sum(r.planned_busy_time_s) AS planned_busy_time_s, sum(r.actual_production_time_s) AS actual_production_time_s,
         CAST(sum(r.produced_quantity) AS @integer@) AS produced_quantity, CAST(sum(r.good_quantity) AS @integer@) AS good_quantity,
         CAST(sum(r.scrap_quantity) AS @integer@) AS scrap_quantity, CAST(sum(r.rework_quantity) AS @integer@) AS rework_quantity,
         CAST(sum(r.stops) AS @integer@) AS stops, CAST(sum(r.failures) AS @integer@) AS failures,
         count(r.ideal_production_time_s) = count(*) AS complete,
         sum(r.ideal_production_time_s) AS ideal_production_time_s, sum(r.ideal_good_time_s) AS ideal_good_time_s
  FROM oee_rollup_daily r
  JOIN dim_date d ON d.date = r.business_date
  GROUP BY r.machine, d.iso_year, d.iso_week
) weeks;
@postgres CREATE UNIQUE INDEX mv_machine_oee_weekly_key ON mv_machine_oee_weekly (machine, iso_year, iso_week);

-- OEE per line and calendar month; machines without a line stand under an empty one.
CREATE @snapshot@ mv_line_oee_monthly AS
SELECT line, year, month, first_day, machines, planned_busy_time_s, actual_production_time_s, produced_quantity, good_quantity,
       scrap_quantity, rework_quantity, stops, failures,
       actual_production_time_s / nullif(planned_busy_time_s, 0) AS availability,
       CASE WHEN complete THEN ideal_production_time_s / nullif(actual_production_time_s, 0) END AS effectiveness,
       CASE WHEN complete THEN ideal_good_time_s / nullif(ideal_production_time_s, 0) END AS quality_ratio,
       CASE WHEN complete THEN ideal_good_time_s / nullif(planned_busy_time_s, 0) END AS oee
FROM (
  SELECT coalesce(e.line, '') AS line, d.year, d.month, min(d.date) AS first_day, count(DISTINCT r.machine) AS machines,
         sum(r.planned_busy_time_s) AS planned_busy_time_s, sum(r.actual_production_time_s) AS actual_production_time_s,
         CAST(sum(r.produced_quantity) AS @integer@) AS produced_quantity, CAST(sum(r.good_quantity) AS @integer@) AS good_quantity,
         CAST(sum(r.scrap_quantity) AS @integer@) AS scrap_quantity, CAST(sum(r.rework_quantity) AS @integer@) AS rework_quantity,
         CAST(sum(r.stops) AS @integer@) AS stops, CAST(sum(r.failures) AS @integer@) AS failures,
         count(r.ideal_production_time_s) = count(*) AS complete,
         sum(r.ideal_production_time_s) AS ideal_production_time_s, sum(r.ideal_good_time_s) AS ideal_good_time_s
  FROM oee_rollup_daily r
  JOIN dim_date d ON d.date = r.business_date
  LEFT JOIN dim_equipment e ON e.level = 'machine' AND e.id = r.machine
  GROUP BY coalesce(e.line, ''), d.year, d.month
) months;
@postgres CREATE UNIQUE INDEX mv_line_oee_monthly_key ON mv_line_oee_monthly (line, year, month);

-- Stop time per reason and ISO week of the stop's start; stops without a reason stand under an empty one.
CREATE @snapshot@ mv_downtime_reason_weekly AS
SELECT coalesce(f.reason, '') AS reason, d.iso_year, d.iso_week, min(d.date) AS first_day, count(*) AS stops,
       sum(f.duration_s) AS duration_s, sum(f.planned_duration_s) AS planned_duration_s
FROM fact_downtime f
JOIN dim_date d ON d.date = f.business_date
GROUP BY coalesce(f.reason, ''), d.iso_year, d.iso_week;
@postgres CREATE UNIQUE INDEX mv_downtime_reason_weekly_key ON mv_downtime_reason_weekly (reason, iso_year, iso_week);

-- Flat tables for tools that join badly, such as Superset and Metabase: every name beside its code.

-- Machine and day.
CREATE VIEW vw_bi_oee_daily AS
SELECT r.machine, e.name AS machine_name, e.line, e.area, r.business_date, d.iso_year, d.iso_week, d.year, d.month, d.is_weekend,
       r.start, r."end", r.open, r.partial, r.planned_operation_time_s, r.planned_busy_time_s, r.actual_production_time_s,
       r.actual_unit_setup_time_s, r.actual_unit_delay_time_s, r.minor_stop_time_s, r.unknown_time_s, r.produced_quantity,
       r.good_quantity, r.scrap_quantity, r.rework_quantity, r.ideal_production_time_s, r.ideal_good_time_s, r.stops,
       r.minor_stops, r.failures, r.availability, r.effectiveness, r.quality_ratio, r.oee, r.teep
FROM oee_rollup_daily r
LEFT JOIN dim_equipment e ON e.level = 'machine' AND e.id = r.machine
LEFT JOIN dim_date d ON d.date = r.business_date;

-- Machine and shift.
CREATE VIEW vw_bi_oee_shift AS
SELECT r.machine, e.name AS machine_name, e.line, e.area, r.business_date, r.shift, r.start, r."end", r.open, r.partial,
       r.planned_operation_time_s, r.planned_busy_time_s, r.actual_production_time_s, r.actual_unit_setup_time_s,
       r.actual_unit_delay_time_s, r.minor_stop_time_s, r.unknown_time_s, r.produced_quantity, r.good_quantity,
       r.scrap_quantity, r.rework_quantity, r.ideal_production_time_s, r.ideal_good_time_s, r.stops, r.minor_stops, r.failures,
       r.availability, r.effectiveness, r.quality_ratio, r.oee, r.teep
FROM oee_rollup_shift r
LEFT JOIN dim_equipment e ON e.level = 'machine' AND e.id = r.machine;

-- Stops.
CREATE VIEW vw_bi_downtime AS
SELECT f.machine, e.name AS machine_name, e.line, e.area, f.business_date, f.shift, f.start, f."end", f.reason,
       coalesce(n.name, f.reason, 'no reason given') AS reason_name, f.reason_category, n.iso14224_mode, n.iso14224_mechanism,
       n.iso14224_cause, f.minor_stop, f.open, f.duration_s, f.planned_duration_s
FROM fact_downtime f
LEFT JOIN dim_equipment e ON e.level = 'machine' AND e.id = f.machine
LEFT JOIN dim_downtime_reason n ON n.reason = f.reason;

-- Pieces by hour, product and order.
CREATE VIEW vw_bi_production AS
SELECT f.machine, e.name AS machine_name, e.line, e.area, f.business_date, f.hour, f.product,
       coalesce(p.name, f.product) AS product_name, p.unit, f.order_id, f.produced_quantity, f.good_quantity, f.scrap_quantity,
       f.rework_quantity, f.startup_reject_quantity, f.unplanned_produced_quantity, f.unplanned_good_quantity
FROM fact_production f
LEFT JOIN dim_equipment e ON e.level = 'machine' AND e.id = f.machine
LEFT JOIN dim_product p ON p.product = f.product;

-- Inspections.
CREATE VIEW vw_bi_quality AS
SELECT f.machine, e.name AS machine_name, e.line, e.area, f.business_date, f.ts, f.product, coalesce(p.name, f.product) AS product_name,
       f.characteristic, f.value, f.result, f.defect, coalesce(d.name, f.defect) AS defect_name, f.quantity
FROM fact_quality f
LEFT JOIN dim_equipment e ON e.level = 'machine' AND e.id = f.machine
LEFT JOIN dim_product p ON p.product = f.product
LEFT JOIN dim_quality_defect_type d ON d.defect = f.defect;

-- Readings, each with the unit of its tag.
CREATE VIEW vw_bi_readings AS
SELECT f.machine, e.name AS machine_name, e.line, e.area, f.tag, f.minute, f.readings, f.good_readings, f.value_min, f.value_max,
       f.value_avg, f.value_first, f.value_last, f.text_last, nullif(coalesce(own.unit, shared.unit), '') AS unit,
       u.name AS unit_name, u.quantity
FROM fact_sensor_event f
LEFT JOIN dim_equipment e ON e.level = 'machine' AND e.id = f.machine
LEFT JOIN dim_tag own ON own.machine = f.machine AND own.tag = f.tag
LEFT JOIN dim_tag shared ON shared.machine = '' AND shared.tag = f.tag
LEFT JOIN dim_unit_of_measure u ON u.unit = coalesce(own.unit, shared.unit);

@postgres -- Where TimescaleDB is installed, its chunks take the place of our months.
@postgres DO $timescale$ BEGIN
@postgres   IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
@postgres     CREATE TABLE fact_sensor_hypertable (LIKE fact_sensor_event INCLUDING ALL);
@postgres     PERFORM create_hypertable('fact_sensor_hypertable', 'minute', chunk_time_interval => interval '7 days');
@postgres     INSERT INTO fact_sensor_hypertable SELECT * FROM fact_sensor_event;
@postgres     DROP TABLE fact_sensor_event;
@postgres     ALTER TABLE fact_sensor_hypertable RENAME TO fact_sensor_event;
@postgres   END IF;
@postgres END $timescale$;

@postgres -- What only the owner of tables may do, for an exporter that is not: it calls these.
@postgres -- The month of fact_sensor_event that begins on that day.
@postgres CREATE FUNCTION takt_make_month(month date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
@postgres BEGIN
@postgres   IF (SELECT relkind FROM pg_class WHERE oid = 'fact_sensor_event'::regclass) <> 'p' THEN RETURN; END IF;
@postgres   EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF fact_sensor_event FOR VALUES FROM (%L) TO (%L)',
@postgres                  'fact_sensor_event_' || to_char(month, 'YYYY_MM'), month || ' 00:00:00+00', (month + interval '1 month')::date || ' 00:00:00+00');
@postgres END $body$;

@postgres -- Months that end before that moment go, and of the month in which it lies what is older.
@postgres CREATE FUNCTION takt_drop_months(before timestamptz) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
@postgres DECLARE part record;
@postgres BEGIN
@postgres   FOR part IN
@postgres     SELECT c.oid::regclass AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
@postgres     WHERE i.inhparent = 'fact_sensor_event'::regclass AND c.relname ~ '^fact_sensor_event_[0-9]{4,}_[0-9]{2}$'
@postgres       AND (to_date(substring(c.relname FROM '[0-9]{4,}_[0-9]{2}$'), 'YYYY_MM') + interval '1 month')::timestamp AT TIME ZONE 'UTC' <= before
@postgres   LOOP
@postgres     EXECUTE format('DROP TABLE %s', part.name);
@postgres   END LOOP;
@postgres   DELETE FROM fact_sensor_event WHERE minute < before;
@postgres END $body$;

@postgres -- The trends made anew, and the planner's statistics.
@postgres CREATE FUNCTION takt_tend() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $body$
@postgres DECLARE name text;
@postgres BEGIN
@postgres   FOREACH name IN ARRAY ARRAY['mv_machine_oee_weekly', 'mv_line_oee_monthly', 'mv_downtime_reason_weekly'] LOOP
@postgres     EXECUTE format('REFRESH MATERIALIZED VIEW CONCURRENTLY %I', name);
@postgres   END LOOP;
@postgres   FOREACH name IN ARRAY ARRAY['oee_rollup_hourly', 'oee_rollup_shift', 'oee_rollup_daily', 'fact_production', 'fact_scrap',
@postgres                               'fact_downtime', 'fact_quality', 'fact_sensor_event', 'dim_equipment', 'dim_date'] LOOP
@postgres     EXECUTE format('ANALYZE %I', name);
@postgres   END LOOP;
@postgres END $body$;
