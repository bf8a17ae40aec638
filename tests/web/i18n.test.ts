import { describe, expect, it } from 'vitest';

import { de } from '../../web/src/i18n/de';
import { en } from '../../web/src/i18n/en';
import { languageOf, localeOf } from '../../web/src/i18n';

const leaves = (value: object, path = ''): [string, unknown][] =>
  Object.entries(value).flatMap(([key, leaf]): [string, unknown][] =>
    typeof leaf === 'object' ? leaves(leaf as object, `${path}${key}.`) : [[path + key, leaf]],
  );

describe('the languages', () => {
  it('have the same texts, and none is empty', () => {
    expect(leaves(de).map(([key]) => key).sort()).toEqual(leaves(en).map(([key]) => key).sort());
    expect([...leaves(de), ...leaves(en)].filter(([, text]) => text === '')).toEqual([]);
  });

  it('are chosen by what the reader prefers', () => {
    expect(languageOf(['fr', 'de-AT', 'en'])).toBe('de');
    expect(languageOf(['fr'])).toBe('en');
    expect(localeOf('de', ['en-US', 'de-AT'])).toBe('de-AT');
    expect(localeOf('en', ['de-DE'])).toBe('en-GB');
  });
});
