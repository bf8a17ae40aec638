-- What figures are told by: time, shifts, equipment, products, reasons. Takt rewrites what the plant description says.

-- Calendar days, from the year of the first event to the end of next year. Fiscal periods are calendar months.
CREATE TABLE dim_date (
  date_key @integer@ PRIMARY KEY,                -- 20260105
  date @date@ NOT NULL UNIQUE,                   -- 2026-01-05, as business_date in facts and rollups
  year @integer@ NOT NULL,                       -- of the calendar
  quarter @integer@ NOT NULL,                    -- 1 ... 4
  month @integer@ NOT NULL,                      -- 1 ... 12
  month_name TEXT NOT NULL,                      -- in English
  day_of_month @integer@ NOT NULL,               -- 1 ... 31
  day_of_year @integer@ NOT NULL,                -- 1 ... 366
  day_of_week @integer@ NOT NULL,                -- 1 Monday ... 7 Sunday (ISO 8601)
  day_name TEXT NOT NULL,                        -- in English
  iso_year @integer@ NOT NULL,                   -- ISO 8601: the year that the week belongs to
  iso_week @integer@ NOT NULL,                   -- ISO 8601: 1 ... 53
  is_weekend @truth@ NOT NULL,                   -- Saturday or Sunday
  fiscal_year @integer@ NOT NULL,                -- that of the calendar
  fiscal_period @integer@ NOT NULL               -- that of the calendar: its month
)@strict@;

-- The minutes of a day.
CREATE TABLE dim_time (
  time_key @integer@ PRIMARY KEY,                -- minutes since midnight
  time TEXT NOT NULL UNIQUE,                     -- 06:30
  hour @integer@ NOT NULL,                       -- of the day
  minute @integer@ NOT NULL,                     -- of the hour
  quarter_hour @integer@ NOT NULL,               -- 0 ... 95
  half_day TEXT NOT NULL                         -- AM, PM
)@strict@;
INSERT INTO dim_time
WITH RECURSIVE minutes(m) AS (SELECT 0 UNION ALL SELECT m + 1 FROM minutes WHERE m < 1439)
@sqlite SELECT m, printf('%02d:%02d', m / 60, m % 60), m / 60, m % 60, m / 15, CASE WHEN m < 720 THEN 'AM' ELSE 'PM' END
@postgres SELECT m, to_char(make_time(m / 60, m % 60, 0), 'HH24:MI'), m / 60, m % 60, m / 15, CASE WHEN m < 720 THEN 'AM' ELSE 'PM' END
FROM minutes;

-- Shift definitions in the order of the plant description; their instances are the rows of oee_rollup_shift.
CREATE TABLE dim_shift (
  position @integer@ PRIMARY KEY,                -- in the plant description, from 1
  shift TEXT NOT NULL,                           -- its id
  name TEXT NOT NULL,                            -- as people know it
  scope TEXT NOT NULL,                           -- plant, area:A1, line:L1, machine:M1
  days @json@ NOT NULL,                          -- JSON: local weekdays on which it starts
  start_time TEXT NOT NULL,                      -- local wall clock
  end_time TEXT NOT NULL,                        -- at or before start_time: on the next day
  breaks @json@ NOT NULL,                        -- JSON: [["02:00","02:30"]]
  duration_s @number@ NOT NULL,                  -- by the wall clock, breaks included
  valid_from @moment@,                           -- of a shift's start; null: always
  valid_to @moment@                              -- of a shift's start; null: for ever
)@strict@;

-- The hierarchy: plant, areas, lines, machines. Facts and rollups name machines.
CREATE TABLE dim_equipment (
  level TEXT NOT NULL,                           -- plant, area, line, machine
  id TEXT NOT NULL,                              -- as events and the plant description name it
  name TEXT NOT NULL,
  iso14224_level @integer@ NOT NULL,             -- ISO 14224 taxonomy: 3 installation, 4 plant or unit, 5 section or system, 6 equipment
  parent_level TEXT,                             -- null: the plant itself
  parent_id TEXT,                                -- id of the row above it
  area TEXT,                                     -- of lines and machines, where there is one
  line TEXT,                                     -- of machines
  active @truth@ NOT NULL,                       -- false: hidden, history kept
  attributes @json@ NOT NULL,                    -- JSON: all that the plant description says of it
  PRIMARY KEY (level, id)
)@rowless@;

-- Products as the plant description has them; facts may name others.
CREATE TABLE dim_product (
  product TEXT PRIMARY KEY,                      -- its id
  name TEXT NOT NULL,
  unit TEXT NOT NULL,                            -- of its quantities: dim_unit_of_measure
  ideal_cycles @json@ NOT NULL,                  -- JSON: [{"machine":"M1","seconds":0.8,"valid_from":null,"valid_to":null}]
  characteristics @json@ NOT NULL                -- JSON: [{"name":"diameter","lsl":73.9,"usl":74.1,"target":74,"subgroup_size":5}]
)@rowless@;

-- Tags of readings as the plant description has them; facts may name others.
CREATE TABLE dim_tag (
  machine TEXT NOT NULL,                         -- empty: the tag of that name on every machine that has none of its own
  tag TEXT NOT NULL,                             -- its name
  unit TEXT NOT NULL,                            -- of its values: dim_unit_of_measure; empty: none was given
  kind TEXT NOT NULL,                            -- gauge, counter, state
  PRIMARY KEY (machine, tag)
)@rowless@;

-- value in base_unit = value * factor + offset
CREATE TABLE dim_unit_of_measure (
  unit TEXT PRIMARY KEY,                         -- its symbol
  name TEXT NOT NULL,
  quantity TEXT,                                 -- null: a unit of the plant's own
  base_unit TEXT,                                -- SI, where there is one
  factor @number@,                               -- to the base unit
  "offset" @number@                              -- added after the factor
)@rowless@;
INSERT INTO dim_unit_of_measure VALUES
  ('pcs', 'piece', 'count', 'pcs', 1, 0),
  ('s', 'second', 'time', 's', 1, 0),
  ('min', 'minute', 'time', 's', 60, 0),
  ('h', 'hour', 'time', 's', 3600, 0),
  ('d', 'day', 'time', 's', 86400, 0),
  ('mm', 'millimetre', 'length', 'm', 0.001, 0),
  ('m', 'metre', 'length', 'm', 1, 0),
  ('g', 'gram', 'mass', 'kg', 0.001, 0),
  ('kg', 'kilogram', 'mass', 'kg', 1, 0),
  ('t', 'tonne', 'mass', 'kg', 1000, 0),
  ('l', 'litre', 'volume', 'm3', 0.001, 0),
  ('m3', 'cubic metre', 'volume', 'm3', 1, 0),
  ('kWh', 'kilowatt-hour', 'energy', 'J', 3600000, 0),
  ('kW', 'kilowatt', 'power', 'W', 1000, 0),
  ('bar', 'bar', 'pressure', 'Pa', 100000, 0),
  ('°C', 'degree Celsius', 'temperature', 'K', 1, 273.15),
  ('K', 'kelvin', 'temperature', 'K', 1, 0),
  ('rpm', 'revolutions per minute', 'frequency', 'Hz', 0.016666666666666666, 0),
  ('%', 'per cent', 'ratio', '1', 0.01, 0);

-- Kinds of defects as the plant description has them; facts may name others.
CREATE TABLE dim_quality_defect_type (
  defect TEXT PRIMARY KEY,                       -- its code
  name TEXT NOT NULL
)@rowless@;

-- The tree of reasons; category is the effective one: its own, else that of the nearest parent that has one, else other.
CREATE TABLE dim_downtime_reason (
  reason TEXT PRIMARY KEY,                       -- its code
  name TEXT NOT NULL,
  parent TEXT,                                   -- the reason above it; null: a root
  category TEXT NOT NULL,                        -- failure setup planned material operator quality external speed other
  iso14224_mode TEXT,                            -- failure mode of ISO 14224
  iso14224_mechanism TEXT,                       -- failure mechanism of ISO 14224
  iso14224_cause TEXT,                           -- failure cause of ISO 14224
  iso14224_detection TEXT,                       -- detection method of ISO 14224
  iso14224_impact TEXT                           -- failure impact of ISO 14224
)@rowless@;

-- Named ranges, half open, in UTC, as of the last flush; days, weeks and months are those of the plant's wall clock.
CREATE TABLE dim_date_range (
  name TEXT PRIMARY KEY,                         -- today, this_week, last_7_days ...
  start @moment@ NOT NULL,                       -- first moment
  "end" @moment@ NOT NULL                        -- first moment after it
)@rowless@;

-- Orders per machine, from their events: what vw_production_schedule_status compares with what was made.
CREATE TABLE dim_order (
  machine TEXT NOT NULL,
  order_id TEXT NOT NULL,                        -- as events name it; empty in facts: none
  product TEXT,
  planned_quantity @integer@,                    -- to be made
  planned_start @moment@,                        -- as planned
  planned_end @moment@,                          -- as planned
  started @moment@,                              -- its first start
  ended @moment@,                                -- its last stop or completion, unless it was started again
  status TEXT NOT NULL,                          -- planned, running, stopped, completed
  PRIMARY KEY (machine, order_id)
)@rowless@;
