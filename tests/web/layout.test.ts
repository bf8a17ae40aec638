import { describe, expect, it } from 'vitest';

import { DESIGNS, GAP_PX, HEADING_PX, layOut, shelve } from '../../web/src/layout';

const wall = { width_px: 1880, height_px: 950 };
const lines = (count: number, each: number) => Array.from({ length: count }, () => each);

describe('the layout', () => {
  it('puts small groups side by side', () => {
    expect(shelve([3, 2, 4], 5)).toEqual({ rows: 2, shelves: 2 });
    expect(shelve([12], 5)).toEqual({ rows: 3, shelves: 1 });
    expect(shelve([], 5)).toEqual({ rows: 1, shelves: 1 });
  });

  it.each([
    ['one machine', [1], 'full'],
    ['12 machines', lines(3, 4), 'full'],
    ['50 machines', lines(10, 5), 'dense'],
    ['200 machines', lines(10, 20), 'mini'],
  ])('shows %s on one wall screen, as roomy as can be', (_, sizes, design) => {
    const layout = layOut(sizes, wall, true, 'fit');
    expect(layout.design).toBe(design);
    const { rows, shelves } = shelve(sizes, layout.columns);
    expect(rows * layout.row_px + (rows - 1) * GAP_PX + shelves * HEADING_PX).toBeLessThanOrEqual(wall.height_px + 0.01);
  });

  it('never makes letters smaller than readable: five hundred scroll', () => {
    for (const machines of [1, 5, 30, 120, 500, 1000]) {
      const layout = layOut([machines], wall, true, 'fit');
      const design = DESIGNS.find((one) => one.name === layout.design)!;
      expect(layout.font_px).toBeGreaterThanOrEqual(design.smallest_px);
    }
  });

  it('scrolls in the hand, with tiles as wide as the screen', () => {
    const layout = layOut([50], { width_px: 366, height_px: 600 }, true, 'fit');
    expect(layout.design).toBe('dense');
    expect(layout.columns).toBe(2);
  });

  it('keeps the details of two hundred machines, and scrolls', () => {
    expect(layOut(lines(10, 20), wall, true, 'detail').design).toBe('dense');
  });
});
