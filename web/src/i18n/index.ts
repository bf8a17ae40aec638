import { de } from './de';
import { en } from './en';
import type { Messages } from './en';

export type { Messages };
export type Language = 'en' | 'de';

export const LANGUAGES: Record<Language, Messages> = { en, de };

/** The first of the reader's languages that we speak, else English. */
export function languageOf(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const primary = tag.toLowerCase().split('-')[0];
    if (primary === 'de' || primary === 'en') return primary;
  }
  return 'en';
}

/** Numbers and dates follow the reader's own region where it is one of that language (Austria, the USA). */
export function localeOf(language: Language, preferred: readonly string[]): string {
  return preferred.find((tag) => tag.toLowerCase().startsWith(`${language}-`)) ?? LANGUAGES[language].locale;
}
