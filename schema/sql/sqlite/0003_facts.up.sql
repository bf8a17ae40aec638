-- What happened. Times are UTC, RFC 3339; columns named ..._us are the same instants in microseconds since the epoch,
-- exact and in order. Durations are seconds. An empty product, order or defect says that none was given.

-- Pieces per machine, hour of the wall clock, product and order. Only pieces within planned operation time count in
-- OEE; the others are unplanned.
CREATE TABLE fact_production (
  machine TEXT NOT NULL,
  hour TEXT NOT NULL,                     -- as start in oee_rollup_hourly
  product TEXT NOT NULL,
  order_id TEXT NOT NULL,
  business_date TEXT NOT NULL,
  produced_quantity INTEGER NOT NULL,
  good_quantity INTEGER NOT NULL,
  scrap_quantity INTEGER NOT NULL,
  rework_quantity INTEGER NOT NULL,
  startup_reject_quantity INTEGER NOT NULL,
  unplanned_produced_quantity INTEGER NOT NULL,
  unplanned_good_quantity INTEGER NOT NULL,
  ideal_production_time_s REAL,           -- null: an ideal cycle is missing
  ideal_good_time_s REAL,
  PRIMARY KEY (machine, hour, product, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX fact_production_by_hour ON fact_production (hour);
CREATE INDEX fact_production_by_order ON fact_production (order_id, machine);

-- Stops, whole: unbroken stretches of stop time with one reason or none. An open one still lasted at the last flush,
-- which is its end so far.
CREATE TABLE fact_downtime (
  machine TEXT NOT NULL,
  start_us INTEGER NOT NULL,
  end_us INTEGER NOT NULL,
  start TEXT NOT NULL,
  "end" TEXT NOT NULL,
  business_date TEXT NOT NULL,            -- the local date of its start
  shift TEXT,                             -- the shift in which it starts; null: between shifts, or no shift plan
  reason TEXT,
  reason_category TEXT,
  minor_stop INTEGER NOT NULL,
  open INTEGER NOT NULL,
  duration_s REAL NOT NULL,
  planned_duration_s REAL NOT NULL,       -- the part within planned operation time: what OEE loses
  PRIMARY KEY (machine, start_us)
) STRICT, WITHOUT ROWID;
CREATE INDEX fact_downtime_by_start ON fact_downtime (start_us);

-- Inspections as reported. The event's identity is the key; a withdrawn inspection has no row.
CREATE TABLE fact_quality (
  machine TEXT NOT NULL,
  ts_us INTEGER NOT NULL,
  characteristic TEXT NOT NULL,
  serial TEXT NOT NULL,
  event_id TEXT NOT NULL,
  ts TEXT NOT NULL,
  business_date TEXT NOT NULL,
  product TEXT NOT NULL,
  value REAL,
  subgroup TEXT,
  result TEXT,                            -- pass, fail
  defect TEXT,
  quantity INTEGER NOT NULL,
  PRIMARY KEY (machine, ts_us, characteristic, serial, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX fact_quality_by_time ON fact_quality (ts_us);

-- Scrap and rework per machine, hour, product and defect, planned or not.
CREATE TABLE fact_scrap (
  machine TEXT NOT NULL,
  hour TEXT NOT NULL,
  product TEXT NOT NULL,
  defect TEXT NOT NULL,
  business_date TEXT NOT NULL,
  scrap_quantity INTEGER NOT NULL,
  rework_quantity INTEGER NOT NULL,
  startup_reject_quantity INTEGER NOT NULL,
  PRIMARY KEY (machine, hour, product, defect)
) STRICT, WITHOUT ROWID;
CREATE INDEX fact_scrap_by_hour ON fact_scrap (hour);

-- Readings, one row a machine, tag and UTC minute. The value_ columns are of numbers and booleans (0 and 1), and null
-- in a minute that had none.
CREATE TABLE fact_sensor_event (
  machine TEXT NOT NULL,
  tag TEXT NOT NULL,
  minute TEXT NOT NULL,
  readings INTEGER NOT NULL,              -- of any kind
  good_readings INTEGER NOT NULL,         -- OPC quality of 192 and above, or none sent
  value_count INTEGER NOT NULL,
  value_min REAL,
  value_max REAL,
  value_avg REAL,
  value_first REAL,
  value_last REAL,
  text_last TEXT,                         -- the last string, of tags that send strings
  PRIMARY KEY (machine, tag, minute)
) STRICT, WITHOUT ROWID;

-- Who changed what.
CREATE TABLE audit_log (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  before TEXT,                            -- JSON
  after TEXT                              -- JSON
) STRICT;
