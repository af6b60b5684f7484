/** The store of this browser, shared by all tabs of the site. */
import { browserTable, type OpenTable } from './indexed-db.ts'
import { browserLocks, type Locks } from './locks.ts'
import { PackStore } from './pack-store.ts'

export function openBrowserStore(open: OpenTable = browserTable, locks: Locks = browserLocks()): PackStore {
  return new PackStore({
    chunks: open('pictalk-chunks'),
    // What is lost of these is fetched again, and what is wrong in them has another hash.
    parts: open('pictalk-parts', { durability: 'relaxed' }),
    records: open('pictalk-packs'),
    locks,
  })
}

export interface SpaceEstimate {
  usedBytes: number | null
  freeBytes: number | null
  persisted: boolean
}

/** What the browser says about this site's share of the disk (Storage Standard, `estimate` and `persisted`); nothing where it does not. */
export async function estimateSpace(): Promise<SpaceEstimate> {
  try {
    const { usage, quota } = await navigator.storage.estimate()
    return {
      usedBytes: usage ?? null,
      freeBytes: usage === undefined || quota === undefined ? null : Math.max(0, quota - usage),
      persisted: await navigator.storage.persisted(),
    }
  } catch {
    // Absent outside secure contexts, refused where site data is blocked.
    return { usedBytes: null, freeBytes: null, persisted: false }
  }
}
