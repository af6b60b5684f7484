/** Search: which pictures are indexed, what was asked, and what was found. */
import { AppError, toFailure, type Failure } from '../../pack/failure.ts'
import type { ComparingModel } from '../../protocol/compare-calls.ts'
import type {
  FoundPicture,
  IndexProgress,
  Rematch,
  SearchQuery,
  SearchSource,
  SearchState,
} from '../../protocol/search-calls.ts'
import { CONVERSATIONS } from '../../protocol/search-calls.ts'
import type { GetState, SetState } from '../store.ts'
import type { Comparing } from './comparing.ts'
import { Indexing } from './indexing.ts'
import { NO_FILTERS, type SearchFilters } from './shown.ts'

export interface Search {
  /** Null until search was first visited. */
  index: SearchState | null
  model: ComparingModel | null
  /** What is being brought up to date, and how far that is. */
  indexing: { source: string; progress: IndexProgress | null } | null
  /** Sources that wait for their turn, or for going on. */
  waiting: readonly string[]
  paused: boolean
  query: SearchQuery
  status: 'idle' | 'finding' | 'ranking'
  found: readonly FoundPicture[]
  /** What finding took, without reading the words; null where nothing was asked for. */
  foundMs: number | null
  matches: ReadonlyMap<string, Rematch>
  filters: SearchFilters
  failure: Failure | null
}

export interface SearchActions {
  /** Opens the index, brings the conversations up to date, and shows everything. */
  visit: () => Promise<void>
  find: (query: SearchQuery) => Promise<void>
  filter: (filters: Partial<SearchFilters>) => void
  /** Has a folder picked; false where the browser can only pick files. */
  chooseFolder: () => Promise<boolean>
  addFiles: (name: string, files: { path: string; file: File }[]) => Promise<void>
  /** Reads a folder again; people may have to allow it. */
  update: (source: SearchSource) => Promise<void>
  pause: () => void
  resume: () => void
  remove: (source: string) => Promise<void>
  /** Lets go of the index; folders stay, and are indexed when they are updated. */
  clear: () => Promise<void>
  /** Lets go of what models left that compare no more. */
  clearOthers: () => Promise<void>
  /** A small JPEG; null where there is none. */
  thumbnail: (sha256: string) => Promise<Blob | null>
  /** The picture's own file; null where it cannot be read now. */
  file: (key: string) => Promise<Blob | null>
  dismissFailure: () => void
}

export interface SearchSlice {
  search: Search
  searchActions: SearchActions
}

export interface SearchDependencies {
  comparing: Comparing
  /** `none` where this browser picks files only; undefined when nothing was picked. */
  chooseFolder: () => Promise<FileSystemDirectoryHandle | 'none' | undefined>
  /** Whether a folder may be read; where they may be asked, people are, which takes a click of theirs. */
  mayRead: (handle: FileSystemDirectoryHandle, options: { ask: boolean }) => Promise<boolean>
  /** Tells from now on when this page begins to write an answer, and when it ends. */
  onWriting: (hear: (isWriting: boolean) => void) => void
}

/** The best by likeness that are looked at again with the words: what is seen first, and a few more. */
const REMATCHED = 32

const NOTHING: Search = {
  index: null,
  model: null,
  indexing: null,
  waiting: [],
  paused: false,
  query: { kind: 'all' },
  status: 'idle',
  found: [],
  foundMs: null,
  matches: new Map(),
  filters: NO_FILTERS,
  failure: null,
}

export function searchSlice(set: SetState, get: GetState, dependencies: SearchDependencies): SearchSlice {
  const { comparing, chooseFolder, mayRead, onWriting } = dependencies
  const change = (part: Partial<Search>): void => set({ search: { ...get().search, ...part } })
  let finding = new AbortController()

  /** What fails is said in the view. */
  const noting = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      const failure = toFailure(error)
      if (failure.code !== 'cancelled') change({ failure, status: 'idle' })
    }
  }
  const refresh = async (): Promise<void> => {
    const model = await comparing.model()
    change({ model, index: await comparing.call('searchState', null) })
  }
  const find = async (query: SearchQuery): Promise<void> => {
    finding.abort()
    finding = new AbortController()
    const { signal } = finding
    change({ query, status: 'finding', failure: null, matches: new Map() })
    const found = await comparing.call('find', query, { signal }).catch((error: unknown) => {
      // Another model was chosen meanwhile: it is asked anew, unless something else is by now.
      if (toFailure(error).code === 'cancelled' && !signal.aborted) return null
      throw error
    })
    if (signal.aborted) return
    if (found === null) return find(query)
    const { pictures, ms } = found
    const foundMs = query.kind === 'all' ? null : ms
    change({ found: pictures, foundMs, status: query.kind === 'words' ? 'ranking' : 'idle' })
    if (query.kind !== 'words') return
    await rank(comparing, query.text, pictures, signal, (match) =>
      change({ matches: new Map([...get().search.matches, [match.key, match]]) }),
    )
    if (finding.signal === signal) change({ status: 'idle' })
  }
  const indexing = new Indexing(comparing, {
    show: (part) => change(part),
    fail: (failure) => change({ failure }),
    onIndexed: () =>
      noting(async () => {
        await refresh()
        if (get().search.query.kind === 'all') await find({ kind: 'all' })
      }),
  })

  onWriting((isWriting) => indexing.hold(isWriting))

  return {
    search: NOTHING,
    searchActions: {
      visit: () =>
        noting(async () => {
          await refresh()
          if (get().search.query.kind === 'all') await find({ kind: 'all' })
          indexing.add(CONVERSATIONS)
          // What a visit was ended in goes on, and what changed meanwhile is followed, where nobody need be asked.
          for (const id of await readableFolders(get().search.index, mayRead)) indexing.add(id)
        }),
      find: (query) => noting(() => find(query)),
      filter: (filters) => change({ filters: { ...get().search.filters, ...filters } }),
      async chooseFolder() {
        const handle = await chooseFolder()
        if (handle === 'none') return false
        if (handle === undefined) return true
        await noting(async () => {
          const { name } = handle
          indexing.add(await comparing.call('addFolder', { name, handle, files: [] }))
          await refresh()
        })
        return true
      },
      addFiles: (name, files) =>
        noting(async () => {
          indexing.add(await comparing.call('addFolder', { name, handle: null, files }))
          await refresh()
        }),
      update: ({ id, name, handle }) =>
        noting(async () => {
          if (handle !== null && !(await mayRead(handle, { ask: true })))
            throw new AppError(
              'forbidden',
              `The folder ${name} may not be read; allow it to follow its changes.`,
            )
          indexing.add(id)
        }),
      pause: () => indexing.pause(),
      resume: () => indexing.resume(),
      remove: (source) =>
        noting(async () => {
          const isIt = (one: string): boolean => one === source
          change({ index: await indexing.aside(isIt, () => comparing.call('removeSource', { source })) })
          const { query } = get().search
          // The picture that others were to be like may be gone with it.
          await find(query.kind === 'alike' ? { kind: 'all' } : query)
        }),
      clear: () =>
        noting(async () => {
          const isAny = (): boolean => true
          change({ index: await indexing.aside(isAny, () => comparing.call('clearIndex', null)) })
          await find({ kind: 'all' })
        }),
      clearOthers: () =>
        noting(async () => {
          const isNone = (): boolean => false
          change({ index: await indexing.aside(isNone, () => comparing.call('clearOtherIndexes', null)) })
        }),
      async thumbnail(sha256) {
        const [bytes] = await comparing.call('thumbnails', { sha256s: [sha256] })
        return bytes == null ? null : new Blob([bytes], { type: 'image/jpeg' })
      },
      file: (key) => comparing.call('pictureFile', { key }),
      dismissFailure: () => change({ failure: null }),
    },
  }
}

/** Folders that may be read without anybody being asked. */
async function readableFolders(
  index: SearchState | null,
  mayRead: SearchDependencies['mayRead'],
): Promise<string[]> {
  const readable: string[] = []
  for (const { id, handle } of index?.sources ?? [])
    if (handle !== null && (await mayRead(handle, { ask: false }).catch(() => false))) readable.push(id)
  return readable
}

async function rank(
  comparing: Comparing,
  text: string,
  found: readonly FoundPicture[],
  signal: AbortSignal,
  hear: (match: Rematch) => void,
): Promise<void> {
  const keys = found.slice(0, REMATCHED).map(({ key }) => key)
  const onEvent = (match: Rematch): void => {
    if (!signal.aborted) hear(match)
  }
  await comparing.call('rematch', { text, keys }, { onEvent, signal })
}
