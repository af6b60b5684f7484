/**
 * The thread that compares pictures with texts and finds them: the model of stage 1, its GPU device, ONNX Runtime and the
 * index of pictures live here.
 */
import { readPicture } from '../image/read-picture.ts'
import { thumbnailOf } from '../image/thumbnail.ts'
import type { CompareCalls } from '../protocol/compare-calls.ts'
import type { SearchCalls } from '../protocol/search-calls.ts'
import { serve } from '../protocol/rpc.ts'
import { openCompute } from '../runtime/device/open-compute.ts'
import type { SearchEntry } from '../search/entries.ts'
import { browserNetwork } from '../store/browser-network.ts'
import { openBrowserStore } from '../store/browser-store.ts'
import { openConversationLibrary } from '../store/conversation-library.ts'
import { browserTable } from '../store/indexed-db.ts'
import { browserLocks } from '../store/locks.ts'
import { Comparer } from './comparer.ts'
import { openPack } from './open-pack.ts'
import { Searcher } from './searcher.ts'

const network = browserNetwork()
const store = openBrowserStore()

const comparer = new Comparer({
  openPack: (place, { signal }) => openPack(store, place, { signal, onBytes: () => undefined }),
  openCompute,
  readPicture: (image, preprocessing) => readPicture(image, preprocessing, network),
})
const searcher = new Searcher({
  comparer,
  // What is lost of an index is made again, and all of it lies in one database, so that what is there fits together.
  table: browserTable<SearchEntry>('pictalk-search', { durability: 'relaxed' }),
  locks: browserLocks(),
  library: openConversationLibrary(),
  thumbnail: thumbnailOf,
  now: () => performance.now(),
})

serve<CompareCalls & SearchCalls>(self, { ...comparer.calls, ...searcher.calls })
