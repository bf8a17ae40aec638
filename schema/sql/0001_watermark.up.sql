-- How far the export has come. It stands in the target, changed in the transaction that writes the rows: whatever
-- becomes of a flush, rows and watermark agree.
CREATE TABLE takt_watermark (
  only_row @integer@ PRIMARY KEY CHECK (only_row = 1), -- one row in all
  store_id TEXT NOT NULL,                        -- the store that these rows come from; no other writes here
  commit_number @integer@ NOT NULL,              -- every commit up to this one is in the rows
  flushed_us @integer@ NOT NULL,                 -- the store's clock at that moment: what lasts is told up to here
  flushed_at @moment@ NOT NULL,                  -- the same as a moment
  plant_digest TEXT NOT NULL,                    -- of the plant description in the dimension tables
  readings TEXT NOT NULL,                        -- a row of fact_sensor_event is of: minutes; raw: moments
  names TEXT NOT NULL,                           -- of people: given; masked
  readings_from_us @integer@ NOT NULL            -- fact_sensor_event has none of before this moment
)@strict@;

-- What is exported of each machine.
CREATE TABLE takt_exported_machine (
  machine TEXT PRIMARY KEY,                      -- id in dim_equipment where level is machine
  settings_digest TEXT NOT NULL,                 -- of all that its figures depend on besides events; if it changes, all is written anew
  from_us @integer@,                             -- rows begin with the bucket that holds this moment
  last_event_us @integer@,                       -- these two as of the last flush
  settled_us @integer@                           -- from here on figures followed from what still lasted
)@rowless@;
