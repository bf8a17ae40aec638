-- OEE per machine and whole bucket: the answer of GET /v1/oee?scope=machine:ID&whole=1, column by column. Ratios of
-- groups and longer times are ratios of sums: sum(ideal_good_time_s) / sum(planned_busy_time_s), never avg(oee).

-- Hours of the wall clock, cut where the clock changes.
CREATE TABLE oee_rollup_hourly (
  machine TEXT NOT NULL,
  start TEXT NOT NULL,
  "end" TEXT NOT NULL,
  shift TEXT,                                   -- null in hours and days, and without a shift plan
  business_date TEXT NOT NULL,                  -- the local date that the bucket's start is set for
  revision INTEGER NOT NULL,                    -- the commit that last changed the bucket
  open INTEGER NOT NULL,                        -- 1: still runs; figures up to the last flush
  partial INTEGER NOT NULL,                     -- always 0: rollups are whole
  calendar_time_s REAL NOT NULL,
  planned_operation_time_s REAL NOT NULL,       -- POT
  planned_down_time_s REAL NOT NULL,
  planned_busy_time_s REAL NOT NULL,            -- PBT = APT + setup + delay
  actual_production_time_s REAL NOT NULL,       -- APT
  actual_unit_setup_time_s REAL NOT NULL,
  actual_unit_delay_time_s REAL NOT NULL,
  minor_stop_time_s REAL NOT NULL,
  unknown_time_s REAL NOT NULL,
  unplanned_production_time_s REAL NOT NULL,
  produced_quantity INTEGER NOT NULL,
  good_quantity INTEGER NOT NULL,
  scrap_quantity INTEGER NOT NULL,
  rework_quantity INTEGER NOT NULL,
  unplanned_produced_quantity INTEGER NOT NULL,
  unplanned_good_quantity INTEGER NOT NULL,
  ideal_production_time_s REAL,                 -- null: an ideal cycle is missing
  ideal_good_time_s REAL,
  stops INTEGER NOT NULL,
  minor_stops INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  availability REAL,
  effectiveness REAL,
  quality_ratio REAL,
  quality_ratio_by_count REAL,
  oee REAL,
  net_equipment_effectiveness REAL,
  teep REAL,
  flags TEXT NOT NULL,                          -- JSON
  PRIMARY KEY (machine, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX oee_rollup_hourly_by_start ON oee_rollup_hourly (start);

-- Shift instances; local days where a machine has no shift plan.
CREATE TABLE oee_rollup_shift (
  machine TEXT NOT NULL,
  start TEXT NOT NULL,
  "end" TEXT NOT NULL,
  shift TEXT,
  business_date TEXT NOT NULL,
  revision INTEGER NOT NULL,
  open INTEGER NOT NULL,
  partial INTEGER NOT NULL,
  calendar_time_s REAL NOT NULL,
  planned_operation_time_s REAL NOT NULL,
  planned_down_time_s REAL NOT NULL,
  planned_busy_time_s REAL NOT NULL,
  actual_production_time_s REAL NOT NULL,
  actual_unit_setup_time_s REAL NOT NULL,
  actual_unit_delay_time_s REAL NOT NULL,
  minor_stop_time_s REAL NOT NULL,
  unknown_time_s REAL NOT NULL,
  unplanned_production_time_s REAL NOT NULL,
  produced_quantity INTEGER NOT NULL,
  good_quantity INTEGER NOT NULL,
  scrap_quantity INTEGER NOT NULL,
  rework_quantity INTEGER NOT NULL,
  unplanned_produced_quantity INTEGER NOT NULL,
  unplanned_good_quantity INTEGER NOT NULL,
  ideal_production_time_s REAL,
  ideal_good_time_s REAL,
  stops INTEGER NOT NULL,
  minor_stops INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  availability REAL,
  effectiveness REAL,
  quality_ratio REAL,
  quality_ratio_by_count REAL,
  oee REAL,
  net_equipment_effectiveness REAL,
  teep REAL,
  flags TEXT NOT NULL,
  PRIMARY KEY (machine, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX oee_rollup_shift_by_start ON oee_rollup_shift (start);
CREATE INDEX oee_rollup_shift_by_date ON oee_rollup_shift (business_date);

-- Local days.
CREATE TABLE oee_rollup_daily (
  machine TEXT NOT NULL,
  start TEXT NOT NULL,
  "end" TEXT NOT NULL,
  shift TEXT,
  business_date TEXT NOT NULL,
  revision INTEGER NOT NULL,
  open INTEGER NOT NULL,
  partial INTEGER NOT NULL,
  calendar_time_s REAL NOT NULL,
  planned_operation_time_s REAL NOT NULL,
  planned_down_time_s REAL NOT NULL,
  planned_busy_time_s REAL NOT NULL,
  actual_production_time_s REAL NOT NULL,
  actual_unit_setup_time_s REAL NOT NULL,
  actual_unit_delay_time_s REAL NOT NULL,
  minor_stop_time_s REAL NOT NULL,
  unknown_time_s REAL NOT NULL,
  unplanned_production_time_s REAL NOT NULL,
  produced_quantity INTEGER NOT NULL,
  good_quantity INTEGER NOT NULL,
  scrap_quantity INTEGER NOT NULL,
  rework_quantity INTEGER NOT NULL,
  unplanned_produced_quantity INTEGER NOT NULL,
  unplanned_good_quantity INTEGER NOT NULL,
  ideal_production_time_s REAL,
  ideal_good_time_s REAL,
  stops INTEGER NOT NULL,
  minor_stops INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  availability REAL,
  effectiveness REAL,
  quality_ratio REAL,
  quality_ratio_by_count REAL,
  oee REAL,
  net_equipment_effectiveness REAL,
  teep REAL,
  flags TEXT NOT NULL,
  PRIMARY KEY (machine, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX oee_rollup_daily_by_start ON oee_rollup_daily (start);
CREATE INDEX oee_rollup_daily_by_date ON oee_rollup_daily (business_date);
