DROP VIEW vw_production_schedule_status;
DROP VIEW vw_machine_availability_trends_72h;
DROP VIEW vw_daily_oee_trends_30d;
DROP VIEW vw_top_quality_defects_7d;
DROP VIEW vw_top_downtime_reasons_24h;
DROP VIEW vw_machine_health_indicators;
DROP VIEW vw_line_performance;
DROP VIEW vw_current_shift_oee;
