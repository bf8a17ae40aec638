// What nearly every component needs: the reader's words and formats, and the plant's names. One object, replaced only
// when one of them changes, so that tiles can compare it by identity.

import type { Formats } from '../format';
import type { Messages } from '../i18n';
import type { WallStore } from '../store';

export interface Env {
  text: Messages;
  formats: Formats;
  store: WallStore;
}
