import { describe, expect, it } from 'vitest';

import { ratio, sumFigures } from '../../web/src/oee';
import { machine } from './machines';

describe('figures of a group', () => {
  it('are ratios of sums, not means of ratios', () => {
    // An hour at 50 % and a minute at 100 %: 1860 s of 3660 s, not 75 %.
    const long = machine('A', { planned_busy_time_s: 3600, ideal_good_time_s: 1800 });
    const short = machine('B', { planned_busy_time_s: 60, ideal_good_time_s: 60 });
    expect(sumFigures([long, short]).oee).toBe(1860 / 3660);
  });

  it('of one machine are the machine’s own', () => {
    const one = machine('A');
    const { availability, effectiveness, quality_ratio, oee } = sumFigures([one]);
    expect([availability, effectiveness, quality_ratio, oee]).toEqual([
      one.availability,
      one.effectiveness,
      one.quality_ratio,
      one.oee,
    ]);
  });

  it('add up times to the microsecond', () => {
    const tenths = Array.from({ length: 10 }, (_, i) => machine(`M${i}`, { actual_production_time_s: 0.1 }));
    expect(sumFigures(tenths).actual_production_time_s).toBe(1);
  });

  it('add up the pieces', () => {
    const { produced_quantity, good_quantity, scrap_quantity, rework_quantity } = sumFigures([machine('A'), machine('B')]);
    expect([produced_quantity, good_quantity, scrap_quantity, rework_quantity]).toEqual([46000, 45600, 300, 100]);
  });

  it('are missing where one machine’s ideal cycle is, and say so', () => {
    const without = machine('B', { ideal_production_time_s: null, ideal_good_time_s: null, oee: null });
    const figures = sumFigures([machine('A'), without]);
    expect([figures.oee, figures.effectiveness, figures.quality_ratio]).toEqual([null, null, null]);
    expect(figures.availability).toBe(23400 / 27000);
    expect(figures.flags).toEqual(['ideal_cycle_missing']);
  });

  it('without planned time are null, and say so', () => {
    const resting = machine('A', {
      planned_busy_time_s: 0,
      actual_production_time_s: 0,
      ideal_production_time_s: 0,
      ideal_good_time_s: 0,
      produced_quantity: 0,
    });
    const figures = sumFigures([resting]);
    expect([figures.availability, figures.effectiveness, figures.quality_ratio, figures.oee]).toEqual([null, null, null, null]);
    expect(figures.flags).toEqual(['not_planned']);
  });

  it('without output have an OEE of 0 and no quality', () => {
    const idle = machine('A', { ideal_production_time_s: 0, ideal_good_time_s: 0, produced_quantity: 0 });
    const figures = sumFigures([idle]);
    expect([figures.oee, figures.quality_ratio]).toEqual([0, null]);
    expect(figures.flags).toEqual(['no_output']);
  });

  it('may exceed 1, and say so', () => {
    const fast = machine('A', { ideal_production_time_s: 46800, ideal_good_time_s: 46800 });
    expect(sumFigures([fast]).effectiveness).toBe(2);
    expect(sumFigures([fast]).flags).toEqual(['effectiveness_above_1']);
  });
});

describe('a ratio', () => {
  it('is null, never 0, NaN or infinite, without a denominator', () => {
    expect([ratio(0, 0), ratio(1, 0), ratio(null, 1), ratio(1, null)]).toEqual([null, null, null, null]);
  });
});
