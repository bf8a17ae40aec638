-- Roles for PostgreSQL 15 and newer, least privilege each: run by a superuser, in the database and with the search path
-- of the warehouse, after the tables are there; again after each new version of the schema. Roles log in by members:
--   CREATE ROLE jane LOGIN IN ROLE takt_scoped_reader;
--   INSERT INTO takt_reader_scope VALUES ('jane', NULL, 'L1');
--
-- takt_admin          owns the tables: takt schema up and down
-- takt_writer         flushes: takt serve --export, takt export
-- takt_reader         reads everything but the audit log
-- takt_scoped_reader  reads machines of the areas and lines that takt_reader_scope grants its members
DO $roles$
DECLARE
  one record;
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['takt_admin', 'takt_writer', 'takt_reader', 'takt_scoped_reader'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN EXECUTE format('CREATE ROLE %I NOLOGIN', wanted); END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), wanted);
  END LOOP;
  EXECUTE format('GRANT CREATE ON SCHEMA %I TO takt_admin', current_schema());
  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO takt_writer', current_database());

  CREATE TABLE IF NOT EXISTS takt_reader_scope (
    member name NOT NULL,  -- a role that is in takt_scoped_reader
    area text,             -- null: of any area
    line text              -- null: of any line
  );

  FOR one IN
    SELECT c.relname AS name, c.relkind AS kind FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
      AND (c.relname ~ '^(takt|dim|fact|oee_rollup|vw|mv)_' OR c.relname IN ('ontology_term', 'audit_log'))
    ORDER BY c.relname
  LOOP
    EXECUTE format('ALTER TABLE %I OWNER TO takt_admin', one.name);
    EXECUTE format('REVOKE ALL ON %I FROM PUBLIC, takt_writer, takt_reader, takt_scoped_reader', one.name);
    -- A view asks with the rights of who asks it, so that what he may not see is not in it.
    IF one.kind = 'v' THEN EXECUTE format('ALTER VIEW %I SET (security_invoker = true)', one.name); END IF;
    -- Months of readings are read through fact_sensor_event alone, whose rules then hold.
    CONTINUE WHEN one.name ~ '^fact_sensor_event_' OR one.name = 'takt_reader_scope';
    IF one.kind IN ('r', 'p') THEN EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO takt_writer', one.name); END IF;
    IF one.name <> 'audit_log' THEN EXECUTE format('GRANT SELECT ON %I TO takt_reader', one.name); END IF;
    -- Stored trends are of all machines.
    IF one.name <> 'audit_log' AND one.kind <> 'm' THEN EXECUTE format('GRANT SELECT ON %I TO takt_scoped_reader', one.name); END IF;
  END LOOP;
  REVOKE INSERT, UPDATE, DELETE ON takt_schema, ontology_term, dim_time FROM takt_writer;
  GRANT SELECT ON takt_reader_scope TO takt_scoped_reader;

  FOR one IN SELECT p.oid::regprocedure AS name FROM pg_proc p
    WHERE p.pronamespace = current_schema()::regnamespace AND p.proname IN ('takt_make_month', 'takt_drop_months', 'takt_tend')
  LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO takt_admin', one.name);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', one.name);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO takt_writer', one.name);
  END LOOP;

  -- Rows of a machine: all for the writer and readers, those of their areas and lines for scoped ones.
  FOR one IN
    SELECT c.relname AS name, CASE WHEN c.relname = 'dim_equipment' THEN 'id' ELSE 'machine' END AS machine
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = CASE WHEN c.relname = 'dim_equipment' THEN 'id' ELSE 'machine' END
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
      AND (c.relname ~ '^(fact|oee_rollup)_' OR c.relname IN ('dim_equipment', 'dim_order', 'takt_exported_machine'))
      AND c.relname !~ '^fact_sensor_event_'
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', one.name);
    EXECUTE format('DROP POLICY IF EXISTS takt_all ON %I', one.name);
    EXECUTE format('CREATE POLICY takt_all ON %I TO takt_writer, takt_reader USING (true) WITH CHECK (true)', one.name);
    EXECUTE format('DROP POLICY IF EXISTS takt_scope ON %I', one.name);
    IF one.name = 'dim_equipment' THEN
      CREATE POLICY takt_scope ON dim_equipment FOR SELECT TO takt_scoped_reader USING (
        level <> 'machine' OR EXISTS (
          SELECT FROM takt_reader_scope s
          WHERE s.member = current_user AND (s.area IS NULL OR s.area = dim_equipment.area)
            AND (s.line IS NULL OR s.line = dim_equipment.line)));
    ELSE
      EXECUTE format('CREATE POLICY takt_scope ON %I FOR SELECT TO takt_scoped_reader USING (
        machine IN (SELECT e.id FROM dim_equipment e WHERE e.level = ''machine''))', one.name);
    END IF;
  END LOOP;
  ALTER TABLE takt_reader_scope OWNER TO takt_admin;
  ALTER TABLE takt_reader_scope ENABLE ROW LEVEL SECURITY;
  DROP POLICY IF EXISTS takt_own ON takt_reader_scope;
  CREATE POLICY takt_own ON takt_reader_scope FOR SELECT TO takt_scoped_reader USING (member = current_user);
END $roles$;
