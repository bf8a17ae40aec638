-- What happened. Times are UTC, RFC 3339; columns named ..._us are the same instants in microseconds since the epoch,
-- exact and in order. Durations are seconds. An empty product, order or defect says that none was given.

-- Pieces per machine, hour of the wall clock, product and order. Only pieces within planned operation time count in
-- OEE; the others are unplanned.
CREATE TABLE fact_production (
  machine TEXT NOT NULL,
  hour @moment@ NOT NULL,                        -- as start in oee_rollup_hourly
  product TEXT NOT NULL,                         -- its id; empty: none was given
  order_id TEXT NOT NULL,
  business_date @date@ NOT NULL,
  produced_quantity @integer@ NOT NULL,          -- good + scrap + rework
  good_quantity @integer@ NOT NULL,              -- good at the first attempt
  scrap_quantity @integer@ NOT NULL,             -- of no use
  rework_quantity @integer@ NOT NULL,            -- to be worked again
  startup_reject_quantity @integer@ NOT NULL,    -- of scrap and rework: while starting up
  unplanned_produced_quantity @integer@ NOT NULL, -- outside planned operation time: not in OEE
  unplanned_good_quantity @integer@ NOT NULL,    -- of these: good
  ideal_production_time_s @number@,              -- null: an ideal cycle is missing
  ideal_good_time_s @number@,                    -- good x ideal cycle
  PRIMARY KEY (machine, hour, product, order_id)
)@rowless@;
CREATE INDEX fact_production_by_hour ON fact_production (hour);
CREATE INDEX fact_production_by_order ON fact_production (order_id, machine);

-- Stops, whole: unbroken stretches of stop time with one reason or none. An open one still lasted at the last flush,
-- which is its end so far.
CREATE TABLE fact_downtime (
  machine TEXT NOT NULL,
  start_us @integer@ NOT NULL,                   -- first moment, microseconds since 1970
  end_us @integer@ NOT NULL,                     -- first moment after it
  start @moment@ NOT NULL,                       -- the same as start_us
  "end" @moment@ NOT NULL,                       -- the same as end_us
  business_date @date@ NOT NULL,                 -- the local date of its start
  shift TEXT,                                    -- the shift in which it starts; null: between shifts, or no shift plan
  reason TEXT,                                   -- null: none was given
  reason_category TEXT,                          -- of the reason as it was described then
  minor_stop @truth@ NOT NULL,                   -- ended, without a reason, no longer than the machine's minor_stop_s
  open @truth@ NOT NULL,
  duration_s @number@ NOT NULL,
  planned_duration_s @number@ NOT NULL,          -- the part within planned operation time: what OEE loses
  PRIMARY KEY (machine, start_us)
)@rowless@;
CREATE INDEX fact_downtime_by_start ON fact_downtime (start_us);
CREATE INDEX fact_downtime_open ON fact_downtime (machine) WHERE open;

-- Inspections as reported. The event's identity is the key; a withdrawn inspection has no row.
CREATE TABLE fact_quality (
  machine TEXT NOT NULL,
  ts_us @integer@ NOT NULL,                      -- of the inspection, microseconds since 1970
  characteristic TEXT NOT NULL,                  -- what was inspected
  serial TEXT NOT NULL,                          -- of the item; empty: none
  event_id TEXT NOT NULL,                        -- the event's own id; empty: none
  ts @moment@ NOT NULL,                          -- the same as ts_us
  business_date @date@ NOT NULL,
  product TEXT NOT NULL,
  value @number@,                                -- as measured; null: none, or a text
  subgroup TEXT,                                 -- of a control chart
  result TEXT,                                   -- pass, fail
  defect TEXT,                                   -- its code
  quantity @integer@ NOT NULL,
  PRIMARY KEY (machine, ts_us, characteristic, serial, event_id)
)@rowless@;
CREATE INDEX fact_quality_by_time ON fact_quality (ts_us);
@postgres CREATE INDEX fact_quality_by_moment ON fact_quality USING brin (ts);

-- Scrap and rework per machine, hour, product and defect, planned or not.
CREATE TABLE fact_scrap (
  machine TEXT NOT NULL,
  hour @moment@ NOT NULL,
  product TEXT NOT NULL,
  defect TEXT NOT NULL,                          -- its code; empty: none was given
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
  tag TEXT NOT NULL,                             -- its name
  minute @moment@ NOT NULL,                      -- its first moment; of raw readings the moment itself
  readings @integer@ NOT NULL,                   -- of any kind
  good_readings @integer@ NOT NULL,              -- OPC quality of 192 and above, or none sent
  value_count @integer@ NOT NULL,                -- of them: numbers and booleans
  value_min @number@,                            -- least
  value_max @number@,                            -- greatest
  value_avg @number@,                            -- mean
  value_first @number@,                          -- earliest
  value_last @number@,                           -- latest
  text_last TEXT,                                -- the last string, of tags that send strings
  PRIMARY KEY (machine, tag, minute)
)@by_month(minute)@@rowless@;
@postgres CREATE INDEX fact_sensor_event_by_time ON fact_sensor_event USING brin (minute);

-- Who changed what: the entries of GET /v1/audit. Each holds the hash of the one before, so that none can be changed, taken
-- out or put in between without all later ones showing it.
CREATE TABLE audit_log (
  id @integer@ PRIMARY KEY,                        -- its number, from 1 without gaps
  at @moment@ NOT NULL,                            -- when
  actor TEXT NOT NULL,                             -- where it came from: an address, the command line
  person TEXT NOT NULL,                            -- who, as far as he says; empty: unknown
  action TEXT NOT NULL,                            -- what was done, such as plant.change
  details @json@ NOT NULL,                         -- what it changed
  previous TEXT NOT NULL,                          -- hash of the entry before; of the first all zeros
  hash TEXT NOT NULL                               -- SHA-256 of the entry (docs/format.md)
)@strict@;
