// What this reader chose on this screen. A browser that refuses to keep it loses nothing but the choice.

import { languageOf } from './i18n';
import type { Language } from './i18n';

export type Theme = 'auto' | 'light' | 'dark';
export const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];

export function keptTheme(): Theme {
  return THEMES.find((theme) => theme === read('takt.theme')) ?? 'auto';
}

const system_dark = matchMedia('(prefers-color-scheme: dark)');
let chosen: Theme = 'auto';

/** Sets the colours of the document; `auto` follows the system, also when it changes at dusk. */
export function applyTheme(theme: Theme): void {
  chosen = theme;
  keep('takt.theme', theme);
  showTheme();
}
system_dark.addEventListener('change', showTheme);

function showTheme(): void {
  const dark = chosen === 'auto' ? system_dark.matches : chosen === 'dark';
  document.documentElement.dataset['theme'] = dark ? 'dark' : 'light';
}

export function keptLanguage(): Language {
  return languageOf([read('takt.language') ?? '', ...navigator.languages]);
}

export function applyLanguage(language: Language): void {
  keep('takt.language', language);
  document.documentElement.lang = language;
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Private windows may refuse; the choice then lasts as long as the page.
  }
}
