-- Ready answers. "Now" is the moment of the last flush, so that a view and the tables below it tell the same.
-- Ratios are ratios of sums; a missing ideal cycle in any part makes the ratios that need it null.

-- Each machine's running shift, or the last one that began.
CREATE VIEW vw_current_shift_oee AS
SELECT e.area, e.line, r.machine, e.name, r.shift, r.business_date, r.start, r."end", r.open,
       r.availability, r.effectiveness, r.quality_ratio, r.oee,
       r.produced_quantity, r.good_quantity, r.scrap_quantity, r.rework_quantity,
       r.planned_busy_time_s, r.actual_production_time_s, r.actual_unit_delay_time_s, r.stops, r.flags
FROM oee_rollup_shift r
JOIN (SELECT machine, max(start) AS start FROM oee_rollup_shift GROUP BY machine) latest
  ON latest.machine = r.machine AND latest.start = r.start
JOIN dim_equipment e ON e.level = 'machine' AND e.id = r.machine
WHERE e.active;

-- Lines by business date.
CREATE VIEW vw_line_performance AS
SELECT line, area, business_date, machines, planned_busy_time_s, actual_production_time_s, produced_quantity,
       good_quantity, scrap_quantity, rework_quantity, stops, failures,
       actual_production_time_s / nullif(planned_busy_time_s, 0) AS availability,
       CASE WHEN complete THEN ideal_production_time_s / nullif(actual_production_time_s, 0) END AS effectiveness,
       CASE WHEN complete THEN ideal_good_time_s / nullif(ideal_production_time_s, 0) END AS quality_ratio,
       CASE WHEN complete THEN ideal_good_time_s / nullif(planned_busy_time_s, 0) END AS oee
FROM (
  SELECT e.line, e.area, r.business_date, count(*) AS machines,
         sum(r.planned_busy_time_s) AS planned_busy_time_s, sum(r.actual_production_time_s) AS actual_production_time_s,
         sum(r.produced_quantity) AS produced_quantity, sum(r.good_quantity) AS good_quantity,
         sum(r.scrap_quantity) AS scrap_quantity, sum(r.rework_quantity) AS rework_quantity,
         sum(r.stops) AS stops, sum(r.failures) AS failures,
         count(r.ideal_production_time_s) = count(*) AS complete,
         sum(r.ideal_production_time_s) AS ideal_production_time_s, sum(r.ideal_good_time_s) AS ideal_good_time_s
  FROM oee_rollup_daily r
  JOIN dim_equipment e ON e.level = 'machine' AND e.id = r.machine
  WHERE e.line IS NOT NULL
  GROUP BY e.line, e.area, r.business_date
) days;

-- What tells of a machine's condition, over the last 24 hours (hours that began in them).
CREATE VIEW vw_machine_health_indicators AS
SELECT machine, name, availability, oee, failures, stops, minor_stops, unknown_time_s, unknown_share,
       mean_time_between_failures_s, scrap_share
FROM (
  SELECT r.machine, e.name,
         sum(r.actual_production_time_s) / nullif(sum(r.planned_busy_time_s), 0) AS availability,
         CASE WHEN count(r.ideal_good_time_s) = count(*) THEN sum(r.ideal_good_time_s) / nullif(sum(r.planned_busy_time_s), 0) END
           AS oee,
         sum(r.failures) AS failures, sum(r.stops) AS stops, sum(r.minor_stops) AS minor_stops,
         sum(r.unknown_time_s) AS unknown_time_s,
         sum(r.unknown_time_s) / nullif(sum(r.planned_operation_time_s), 0) AS unknown_share,
         (sum(r.actual_production_time_s) + sum(r.actual_unit_setup_time_s)) / nullif(sum(r.failures), 0)
           AS mean_time_between_failures_s,
         CAST(sum(r.scrap_quantity) AS @number@) / nullif(sum(r.produced_quantity), 0) AS scrap_share
  FROM oee_rollup_hourly r
  JOIN dim_equipment e ON e.level = 'machine' AND e.id = r.machine
  CROSS JOIN takt_watermark w
  WHERE r.start >= @seconds_ago(86400)@
  GROUP BY r.machine, e.name
) machines;

-- Stop time of the last 24 hours by reason, longest first; a stop that is cut there counts with its share.
CREATE VIEW vw_top_downtime_reasons_24h AS
SELECT coalesce(d.reason, '') AS reason, coalesce(n.name, d.reason, 'no reason given') AS name,
       coalesce(n.category, d.reason_category) AS category, count(*) AS stops,
       sum(CAST(d.end_us - @greatest@(d.start_us, w.flushed_us - 86400000000) AS @number@) / 1000000) AS duration_s,
       sum(CASE WHEN d.end_us > d.start_us
                THEN d.planned_duration_s * (d.end_us - @greatest@(d.start_us, w.flushed_us - 86400000000)) / (d.end_us - d.start_us)
                ELSE 0.0 END) AS planned_duration_s
FROM fact_downtime d
CROSS JOIN takt_watermark w
LEFT JOIN dim_downtime_reason n ON n.reason = d.reason
WHERE d.end_us > w.flushed_us - 86400000000
GROUP BY d.reason, n.name, n.category, d.reason_category
ORDER BY duration_s DESC;

-- Scrap and rework of the last 7 days by the defect of counts, and what failed at inspections.
CREATE VIEW vw_top_quality_defects_7d AS
SELECT p.defect, coalesce(d.name, nullif(p.defect, ''), 'no defect given') AS name,
       sum(scrap) AS scrap_quantity, sum(rework) AS rework_quantity, sum(failed) AS failed_quantity,
       sum(scrap + rework + failed) AS quantity
FROM (
  SELECT s.defect, s.scrap_quantity AS scrap, s.rework_quantity AS rework, 0 AS failed
  FROM fact_scrap s CROSS JOIN takt_watermark w
  WHERE s.hour >= @seconds_ago(604800)@
  UNION ALL
  SELECT coalesce(q.defect, ''), 0, 0, q.quantity
  FROM fact_quality q CROSS JOIN takt_watermark w
  WHERE q.result = 'fail' AND q.ts_us >= w.flushed_us - 604800000000
) p
LEFT JOIN dim_quality_defect_type d ON d.defect = p.defect
GROUP BY p.defect, d.name
ORDER BY quantity DESC;

-- OEE per machine and day of the last 30 days.
CREATE VIEW vw_daily_oee_trends_30d AS
SELECT r.machine, e.name, e.line, r.business_date, r.availability, r.effectiveness, r.quality_ratio, r.oee, r.teep,
       r.produced_quantity, r.good_quantity, r.open, r.flags
FROM oee_rollup_daily r
JOIN dim_equipment e ON e.level = 'machine' AND e.id = r.machine
CROSS JOIN takt_watermark w
WHERE r.start >= @seconds_ago(2592000)@
ORDER BY r.machine, r.start;

-- Availability per machine and hour of the last 72 hours.
CREATE VIEW vw_machine_availability_trends_72h AS
SELECT r.machine, e.name, e.line, r.start, r.availability, r.planned_busy_time_s, r.actual_production_time_s,
       r.actual_unit_setup_time_s, r.actual_unit_delay_time_s, r.unknown_time_s, r.open
FROM oee_rollup_hourly r
JOIN dim_equipment e ON e.level = 'machine' AND e.id = r.machine
CROSS JOIN takt_watermark w
WHERE r.start >= @seconds_ago(259200)@
ORDER BY r.machine, r.start;

-- Orders: what was planned and what was made, whether in planned operation time or not.
CREATE VIEW vw_production_schedule_status AS
SELECT o.machine, o.order_id, o.product, o.status, o.planned_quantity, o.planned_start, o.planned_end, o.started, o.ended,
       coalesce(p.produced, 0) AS produced_quantity, coalesce(p.good, 0) AS good_quantity,
       CAST(coalesce(p.good, 0) AS @number@) / nullif(o.planned_quantity, 0) AS progress,
       CASE
         WHEN o.planned_end IS NULL THEN NULL
         WHEN o.status = 'completed' THEN @instant(o.ended)@ > @instant(o.planned_end)@
         ELSE @instant(w.flushed_at)@ > @instant(o.planned_end)@
       END AS late
FROM dim_order o
CROSS JOIN takt_watermark w
LEFT JOIN (
  SELECT machine, order_id, sum(produced_quantity + unplanned_produced_quantity) AS produced,
         sum(good_quantity + unplanned_good_quantity) AS good
  FROM fact_production GROUP BY machine, order_id
) p ON p.machine = o.machine AND p.order_id = o.order_id;
