-- OEE per machine and whole bucket: the answer of GET /v1/oee?scope=machine:ID&whole=1, column by column. Ratios of
-- groups and longer times are ratios of sums: sum(ideal_good_time_s) / sum(planned_busy_time_s), never avg(oee).

-- Hours of the wall clock, cut where the clock changes.
CREATE TABLE oee_rollup_hourly (
  machine TEXT NOT NULL,                         -- id in dim_equipment where level is machine
  start @moment@ NOT NULL,                       -- first moment
  "end" @moment@ NOT NULL,                       -- first moment after it
  shift TEXT,                                    -- null in hours and days, and without a shift plan
  business_date @date@ NOT NULL,                 -- the local date that the bucket's start is set for
  revision @integer@ NOT NULL,                   -- the commit that last changed the bucket
  open @truth@ NOT NULL,                         -- 1: still runs; figures up to the last flush
  partial @truth@ NOT NULL,                      -- always 0: rollups are whole
  calendar_time_s @number@ NOT NULL,             -- all of it, up to the flush
  planned_operation_time_s @number@ NOT NULL,    -- POT
  planned_down_time_s @number@ NOT NULL,         -- planned stops in POT
  planned_busy_time_s @number@ NOT NULL,         -- PBT = APT + setup + delay
  actual_production_time_s @number@ NOT NULL,    -- APT
  actual_unit_setup_time_s @number@ NOT NULL,    -- setup in PBT
  actual_unit_delay_time_s @number@ NOT NULL,    -- stops in PBT
  minor_stop_time_s @number@ NOT NULL,           -- of these: minor ones
  unknown_time_s @number@ NOT NULL,              -- time in POT of which no state is known
  unplanned_production_time_s @number@ NOT NULL, -- production outside POT
  produced_quantity @integer@ NOT NULL,
  good_quantity @integer@ NOT NULL,
  scrap_quantity @integer@ NOT NULL,
  rework_quantity @integer@ NOT NULL,
  unplanned_produced_quantity @integer@ NOT NULL,
  unplanned_good_quantity @integer@ NOT NULL,
  ideal_production_time_s @number@,              -- null: an ideal cycle is missing
  ideal_good_time_s @number@,
  stops @integer@ NOT NULL,                      -- that begin here, minor ones too
  minor_stops @integer@ NOT NULL,                -- that begin here
  failures @integer@ NOT NULL,                   -- that begin here (ISO 14224)
  availability @number@,                         -- APT / PBT (ISO 22400-2)
  effectiveness @number@,                        -- ideal production time / APT (ISO 22400-2)
  quality_ratio @number@,                        -- ideal good time / ideal production time
  quality_ratio_by_count @number@,               -- good / produced
  oee @number@,                                  -- ideal good time / PBT
  net_equipment_effectiveness @number@,          -- OEE x (APT + setup) / APT
  teep @number@,                                 -- ideal good time / calendar time
  flags @json@ NOT NULL,                         -- JSON
  PRIMARY KEY (machine, start)
)@rowless@;
CREATE INDEX oee_rollup_hourly_by_start ON oee_rollup_hourly (start);

-- Shift instances; local days where a machine has no shift plan.
CREATE TABLE oee_rollup_shift (
  machine TEXT NOT NULL,
  start @moment@ NOT NULL,
  "end" @moment@ NOT NULL,
  shift TEXT,
  business_date @date@ NOT NULL,
  revision @integer@ NOT NULL,
  open @truth@ NOT NULL,
  partial @truth@ NOT NULL,
  calendar_time_s @number@ NOT NULL,
  planned_operation_time_s @number@ NOT NULL,
  planned_down_time_s @number@ NOT NULL,
  planned_busy_time_s @number@ NOT NULL,
  actual_production_time_s @number@ NOT NULL,
  actual_unit_setup_time_s @number@ NOT NULL,
  actual_unit_delay_time_s @number@ NOT NULL,
  minor_stop_time_s @number@ NOT NULL,
  unknown_time_s @number@ NOT NULL,
  unplanned_production_time_s @number@ NOT NULL,
  produced_quantity @integer@ NOT NULL,
  good_quantity @integer@ NOT NULL,
  scrap_quantity @integer@ NOT NULL,
  rework_quantity @integer@ NOT NULL,
  unplanned_produced_quantity @integer@ NOT NULL,
  unplanned_good_quantity @integer@ NOT NULL,
  ideal_production_time_s @number@,
  ideal_good_time_s @number@,
  stops @integer@ NOT NULL,
  minor_stops @integer@ NOT NULL,
  failures @integer@ NOT NULL,
  availability @number@,
  effectiveness @number@,
  quality_ratio @number@,
  quality_ratio_by_count @number@,
  oee @number@,
  net_equipment_effectiveness @number@,
  teep @number@,
  flags @json@ NOT NULL,
  PRIMARY KEY (machine, start)
)@rowless@;
CREATE INDEX oee_rollup_shift_by_start ON oee_rollup_shift (start);
CREATE INDEX oee_rollup_shift_by_date ON oee_rollup_shift (business_date);

-- Local days.
CREATE TABLE oee_rollup_daily (
  machine TEXT NOT NULL,
  start @moment@ NOT NULL,
  "end" @moment@ NOT NULL,
  shift TEXT,
  business_date @date@ NOT NULL,
  revision @integer@ NOT NULL,
  open @truth@ NOT NULL,
  partial @truth@ NOT NULL,
  calendar_time_s @number@ NOT NULL,
  planned_operation_time_s @number@ NOT NULL,
  planned_down_time_s @number@ NOT NULL,
  planned_busy_time_s @number@ NOT NULL,
  actual_production_time_s @number@ NOT NULL,
  actual_unit_setup_time_s @number@ NOT NULL,
  actual_unit_delay_time_s @number@ NOT NULL,
  minor_stop_time_s @number@ NOT NULL,
  unknown_time_s @number@ NOT NULL,
  unplanned_production_time_s @number@ NOT NULL,
  produced_quantity @integer@ NOT NULL,
  good_quantity @integer@ NOT NULL,
  scrap_quantity @integer@ NOT NULL,
  rework_quantity @integer@ NOT NULL,
  unplanned_produced_quantity @integer@ NOT NULL,
  unplanned_good_quantity @integer@ NOT NULL,
  ideal_production_time_s @number@,
  ideal_good_time_s @number@,
  stops @integer@ NOT NULL,
  minor_stops @integer@ NOT NULL,
  failures @integer@ NOT NULL,
  availability @number@,
  effectiveness @number@,
  quality_ratio @number@,
  quality_ratio_by_count @number@,
  oee @number@,
  net_equipment_effectiveness @number@,
  teep @number@,
  flags @json@ NOT NULL,
  PRIMARY KEY (machine, start)
)@rowless@;
CREATE INDEX oee_rollup_daily_by_start ON oee_rollup_daily (start);
CREATE INDEX oee_rollup_daily_by_date ON oee_rollup_daily (business_date);
