/** What the page itself keeps between visits, and what the browser withholds from it. */
import type { SettingsStorage } from './state/settings-slice.ts'
import type { DraftStorage } from './state/turns.ts'
import type { Withheld } from './state/withheld-slice.ts'
import { storageProblem } from './store/indexed-db.ts'

const SETTINGS_KEY = 'pictalk-settings'
const DRAFTS_KEY = 'pictalk-drafts'

/** Settings in `localStorage`. Where that is blocked its mere name throws. */
export const settingsStorage: SettingsStorage = {
  load: (): unknown => JSON.parse(localStorage.getItem(SETTINGS_KEY) ?? 'null'),
  save: (settings) => localStorage.setItem(SETTINGS_KEY, JSON.stringify(settings)),
}

/** Drafts in `sessionStorage`: one page's are no other's, and outlive its reload. */
export const draftStorage: DraftStorage = {
  load: (): unknown => JSON.parse(sessionStorage.getItem(DRAFTS_KEY) ?? 'null'),
  save: (drafts) => sessionStorage.setItem(DRAFTS_KEY, JSON.stringify(drafts)),
}

export async function findWithheld(): Promise<Withheld> {
  return { secure: isSecureContext, database: await storageProblem(), settings: keepsSettings() }
}

function keepsSettings(): boolean {
  const key = 'pictalk-try-out'
  try {
    localStorage.setItem(key, '1')
    localStorage.removeItem(key)
    return true
  } catch {
    return false
  }
}

/** Asks the browser not to clear what is kept on its own. False where it cannot be asked. */
export async function askToPersist(): Promise<boolean> {
  const { storage } = navigator as { storage?: StorageManager }
  return (await storage?.persist()) ?? false
}
