-- What happened. Times are UTC, RFC 3339; columns named ..._us are the same instants in microseconds since the epoch,
-- exact and in order. Durations are seconds. An empty product, order or defect says that none was given.

-- Pieces per machine, hour of the wall clock, product and order. Only pieces within planned operation time count in
-- OEE; the others are unplanned.
CREATE TABLE fact_production (
  machine TEXT NOT NULL,
  hour @moment@ NOT NULL,                     -- as start in oee_rollup_hourly
  product TEXT NOT NULL,
  order_id TEXT NOT NULL,
  business_date @date@ NOT NULL,
  produced_quantity @integer@ NOT NULL,
  good_quantity @integer@ NOT NULL,
  scrap_quantity @integer@ NOT NULL,
  rework_quantity @integer@ NOT NULL,
  startup_reject_quantity @integer@ NOT NULL,
  unplanned_produced_quantity @integer@ NOT NULL,
  unplanned_good_quantity @integer@ NOT NULL,
  ideal_production_time_s @number@,           -- null: an ideal cycle is missing
  ideal_good_time_s @number@,
  PRIMARY KEY (machine, hour, product, order_id)
)@rowless@;
CREATE INDEX fact_production_by_hour ON fact_production (hour);
CREATE INDEX fact_production_by_order ON fact_production (order_id, machine);

-- Stops, whole: unbroken stretches of stop time with one reason or none. An open one still lasted at the last flush,
-- which is its end so far.
CREATE TABLE fact_downtime (
  machine TEXT NOT NULL,
  start_us @integer@ NOT NULL,
  end_us @integer@ NOT NULL,
  start @moment@ NOT NULL,
  "end" @moment@ NOT NULL,
  business_date @date@ NOT NULL,            -- the local date of its start
  shift TEXT,                             -- the shift in which it starts; null: between shifts, or no shift plan
  reason TEXT,
  reason_category TEXT,
  minor_stop @truth@ NOT NULL,
  open @truth@ NOT NULL,
  duration_s @number@ NOT NULL,
  planned_duration_s @number@ NOT NULL,       -- the part within planned operation time: what OEE loses
  PRIMARY KEY (machine, start_us)
)@rowless@;
CREATE INDEX fact_downtime_by_start ON fact_downtime (start_us);

-- Inspections as reported. The event's identity is the key; a withdrawn inspection has no row.
CREATE TABLE fact_quality (
  machine TEXT NOT NULL,
  ts_us @integer@ NOT NULL,
  characteristic TEXT NOT NULL,
  serial TEXT NOT NULL,
  event_id TEXT NOT NULL,
  ts @moment@ NOT NULL,
  business_date @date@ NOT NULL,
  product TEXT NOT NULL,
  value @number@,
  subgroup TEXT,
  result TEXT,                            -- pass, fail
  defect TEXT,
  quantity @integer@ NOT NULL,
  PRIMARY KEY (machine, ts_us, characteristic, serial, event_id)
)@rowless@;
CREATE INDEX fact_quality_by_time ON fact_quality (ts_us);

-- Scrap and rework per machine, hour, product and defect, planned or not.
CREATE TABLE fact_scrap (
  machine TEXT NOT NULL,
  hour @moment@ NOT NULL,
  product TEXT NOT NULL,
  defect TEXT NOT NULL,
  business_date @date@ NOT NULL,
  scrap_quantity @integer@ NOT NULL,
  rework_quantity @integer@ NOT NULL,
  startup_reject_quantity @integer@ NOT NULL,
  PRIMARY KEY (machine, hour, product, defect)
)@rowless@;
CREATE INDEX fact_scrap_by_hour ON fact_scrap (hour);

-- Readings, one row a machine, tag and UTC minute; where a target asks for every reading (readings=raw), one a moment,
-- which then stands as minute. The value_ columns are of numbers and booleans (0 and 1), and null
-- in a minute that had none.
CREATE TABLE fact_sensor_event (
  machine TEXT NOT NULL,
  tag TEXT NOT NULL,
  minute @moment@ NOT NULL,
  readings @integer@ NOT NULL,              -- of any kind
  good_readings @integer@ NOT NULL,         -- OPC quality of 192 and above, or none sent
  value_count @integer@ NOT NULL,
  value_min @number@,
  value_max @number@,
  value_avg @number@,
  value_first @number@,
  value_last @number@,
  text_last TEXT,                         -- the last string, of tags that send strings
  PRIMARY KEY (machine, tag, minute)
)@rowless@;

-- Who changed what.
CREATE TABLE audit_log (
  id @integer@ PRIMARY KEY,
  at @moment@ NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  before @json@,                            -- JSON
  after @json@                              -- JSON
)@strict@;
