// A machine for the tests, true to the contract's sums: 7.5 h planned, 6.5 h produced.

import type { MachineNow } from '../../web/src/api';

export function machine(id: string, changes: Partial<MachineNow> = {}): MachineNow {
  return {
    machine: id,
    state: 'running',
    category: 'production',
    reason: null,
    since: '2026-01-05T08:00:00Z',
    product: 'X',
    start: '2026-01-05T05:00:00Z',
    end: '2026-01-05T13:00:00Z',
    shift: 'early',
    business_date: '2026-01-05',
    revision: 7,
    open: true,
    partial: false,
    planned_operation_time_s: 27000,
    planned_down_time_s: 0,
    planned_busy_time_s: 27000,
    actual_production_time_s: 23400,
    actual_unit_setup_time_s: 600,
    actual_unit_delay_time_s: 3000,
    minor_stop_time_s: 120,
    unknown_time_s: 0,
    produced_quantity: 23000,
    good_quantity: 22800,
    scrap_quantity: 150,
    rework_quantity: 50,
    ideal_production_time_s: 23000,
    ideal_good_time_s: 22800,
    stops: 9,
    minor_stops: 4,
    failures: 1,
    availability: 23400 / 27000,
    effectiveness: 23000 / 23400,
    quality_ratio: 22800 / 23000,
    oee: 22800 / 27000,
    flags: [],
    ...changes,
  };
}
