-- The words people use, and the column they mean: for searches, and for whoever turns questions into queries. Of several
-- terms of one word the highest priority is meant first.
CREATE TABLE ontology_term (
  term TEXT NOT NULL,                            -- lower case
  language TEXT NOT NULL,                        -- BCP 47
  concept TEXT NOT NULL,                         -- the element or KPI
  target TEXT NOT NULL,                          -- table.column or view; of a ratio, the expression over sums
  standard TEXT,                                 -- where it is defined
  priority @integer@ NOT NULL,                   -- the highest is meant first
  PRIMARY KEY (term, language, concept)
)@rowless@;
INSERT INTO ontology_term VALUES
  ('oee', 'en', 'oee', 'sum(ideal_good_time_s) / sum(planned_busy_time_s)', 'ISO 22400-2', 100),
  ('overall equipment effectiveness', 'en', 'oee', 'sum(ideal_good_time_s) / sum(planned_busy_time_s)', 'ISO 22400-2', 90),
  ('gesamtanlageneffektivität', 'de', 'oee', 'sum(ideal_good_time_s) / sum(planned_busy_time_s)', 'ISO 22400-2', 90),
  ('availability', 'en', 'availability', 'sum(actual_production_time_s) / sum(planned_busy_time_s)', 'ISO 22400-2', 100),
  ('verfügbarkeit', 'de', 'availability', 'sum(actual_production_time_s) / sum(planned_busy_time_s)', 'ISO 22400-2', 100),
  ('uptime', 'en', 'availability', 'sum(actual_production_time_s) / sum(planned_busy_time_s)', NULL, 60),
  ('effectiveness', 'en', 'effectiveness', 'sum(ideal_production_time_s) / sum(actual_production_time_s)', 'ISO 22400-2', 100),
  ('performance', 'en', 'effectiveness', 'sum(ideal_production_time_s) / sum(actual_production_time_s)', NULL, 90),
  ('leistungsgrad', 'de', 'effectiveness', 'sum(ideal_production_time_s) / sum(actual_production_time_s)', 'ISO 22400-2', 100),
  ('quality', 'en', 'quality_ratio', 'sum(ideal_good_time_s) / sum(ideal_production_time_s)', NULL, 90),
  ('quality ratio', 'en', 'quality_ratio', 'sum(ideal_good_time_s) / sum(ideal_production_time_s)', 'ISO 22400-2', 100),
  ('qualitätsrate', 'de', 'quality_ratio', 'sum(ideal_good_time_s) / sum(ideal_production_time_s)', 'ISO 22400-2', 100),
  ('yield', 'en', 'quality_ratio_by_count', 'sum(good_quantity) / sum(produced_quantity)', NULL, 70),
  ('teep', 'en', 'teep', 'sum(ideal_good_time_s) / sum(calendar_time_s)', NULL, 100),
  ('downtime', 'en', 'downtime', 'fact_downtime.planned_duration_s', NULL, 100),
  ('stillstand', 'de', 'downtime', 'fact_downtime.planned_duration_s', NULL, 100),
  ('stop', 'en', 'downtime', 'fact_downtime.planned_duration_s', NULL, 80),
  ('minor stops', 'en', 'minor_stops', 'oee_rollup_hourly.minor_stops', NULL, 100),
  ('failures', 'en', 'failures', 'oee_rollup_hourly.failures', 'ISO 14224', 100),
  ('breakdowns', 'en', 'failures', 'oee_rollup_hourly.failures', NULL, 80),
  ('changeover', 'en', 'actual_unit_setup_time', 'oee_rollup_hourly.actual_unit_setup_time_s', NULL, 80),
  ('setup time', 'en', 'actual_unit_setup_time', 'oee_rollup_hourly.actual_unit_setup_time_s', 'ISO 22400-2', 100),
  ('rüstzeit', 'de', 'actual_unit_setup_time', 'oee_rollup_hourly.actual_unit_setup_time_s', 'ISO 22400-2', 100),
  ('scrap', 'en', 'scrap_quantity', 'fact_scrap.scrap_quantity', 'ISO 22400-2', 100),
  ('ausschuss', 'de', 'scrap_quantity', 'fact_scrap.scrap_quantity', 'ISO 22400-2', 100),
  ('rework', 'en', 'rework_quantity', 'fact_scrap.rework_quantity', 'ISO 22400-2', 100),
  ('nacharbeit', 'de', 'rework_quantity', 'fact_scrap.rework_quantity', 'ISO 22400-2', 100),
  ('production', 'en', 'produced_quantity', 'fact_production.produced_quantity', 'ISO 22400-2', 90),
  ('output', 'en', 'produced_quantity', 'fact_production.produced_quantity', NULL, 80),
  ('good parts', 'en', 'good_quantity', 'fact_production.good_quantity', 'ISO 22400-2', 90),
  ('gutteile', 'de', 'good_quantity', 'fact_production.good_quantity', 'ISO 22400-2', 90),
  ('planned time', 'en', 'planned_busy_time', 'oee_rollup_hourly.planned_busy_time_s', 'ISO 22400-2', 80),
  ('machine', 'en', 'equipment', 'dim_equipment', 'ISO 14224', 80),
  ('equipment', 'en', 'equipment', 'dim_equipment', 'ISO 14224', 100),
  ('defect', 'en', 'defect', 'dim_quality_defect_type', 'ISO 9001', 100),
  ('inspection', 'en', 'inspection', 'fact_quality', 'ISO 9001', 100),
  ('sensor', 'en', 'reading', 'fact_sensor_event', NULL, 80),
  ('reading', 'en', 'reading', 'fact_sensor_event', NULL, 100),
  ('schedule', 'en', 'order', 'vw_production_schedule_status', NULL, 90),
  ('order', 'en', 'order', 'vw_production_schedule_status', NULL, 100);
