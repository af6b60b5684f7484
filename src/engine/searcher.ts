/** Finds pictures of this device by words and by likeness: the index, and the model that fills it and asks it. */
import type { ConversationLibrary } from '../conversation/library.ts'
import { AppError, throwIfCancelled } from '../pack/failure.ts'
import type { FoundPicture, Rematch, SearchCalls, SearchState } from '../protocol/search-calls.ts'
import type { Handlers } from '../protocol/rpc.ts'
import { clearOtherIndexes, otherIndexBytes, type SearchTable } from '../search/index-table.ts'
import { indexSource, type SeenForIndex } from '../search/indexing.ts'
import { PictureIndex } from '../search/picture-index.ts'
import type { Locks } from '../store/locks.ts'
import { takenInFile } from '../studio/in-file/read-texts.ts'
import type { Comparer } from './comparer.ts'
import { Gate } from './gate.ts'
import type { OpenedComparer } from './opened-comparer.ts'
import { alike, byLikeness, found } from './ranked.ts'
import { SearchSources } from './search-sources.ts'

export interface SearcherParts {
  comparer: Pick<Comparer, 'chosen' | 'work'>
  table: SearchTable
  locks: Locks
  library: Pick<ConversationLibrary, 'conversations' | 'picture'>
  /** A small JPEG, and how large the picture itself is. */
  thumbnail: (image: Blob) => Promise<{ bytes: Uint8Array<ArrayBuffer>; width: number; height: number }>
  now: () => number
}

type Handler<K extends keyof SearchCalls> = Handlers<SearchCalls>[K]

/** Held while the index is changed, by one tab at a time. */
const LOCK = 'pictalk-search'

const unheard = (): void => undefined

export class Searcher implements Handlers<SearchCalls> {
  readonly #parts: SearcherParts
  readonly #sources: SearchSources
  /** Pictures are looked at for the index while it is open. */
  readonly #gate = new Gate()
  #opened: { key: string; index: Promise<PictureIndex> } | null = null

  constructor(parts: SearcherParts) {
    this.#parts = parts
    this.#sources = new SearchSources(parts.table, parts.library)
  }

  readonly searchState: Handler<'searchState'> = () => this.#state()

  readonly addFolder: Handler<'addFolder'> = (folder) => this.#sources.addFolder(folder)

  readonly index: Handler<'index'> = ({ source: id }, report, signal) =>
    this.#changing(async (index) => {
      const source = await this.#sources.source(id)
      const listed = await this.#sources.list(source, signal)
      const see = async (image: Blob): Promise<SeenForIndex> => {
        await this.#gate.pass(signal)
        return this.#see(image, index, signal)
      }
      const { now } = this.#parts
      return indexSource(id, listed, { index, see, taken: takenInFile, report, signal, now })
    })

  readonly holdIndexing: Handler<'holdIndexing'> = ({ held }) => {
    this.#gate.set(!held)
    return Promise.resolve(null)
  }

  readonly removeSource: Handler<'removeSource'> = ({ source: id }) =>
    this.#changing(async (index) => {
      // What a crash leaves of it goes with the next source that is indexed.
      await this.#sources.remove(id)
      await index.commit({ added: [], refused: [], gone: [...index.files(id).keys()] })
      await index.sweep()
      return this.#state()
    })

  readonly clearIndex: Handler<'clearIndex'> = () =>
    this.#changing(async (index) => {
      await index.clear()
      return this.#state()
    })

  readonly clearOtherIndexes: Handler<'clearOtherIndexes'> = () =>
    this.#changing(async ({ modelKey }) => {
      await clearOtherIndexes(this.#parts.table, modelKey)
      return this.#state()
    })

  readonly find: Handler<'find'> = async (query, report, signal) => {
    const index = await this.#index()
    await index.refresh()
    let startedAt = this.#parts.now()
    let pictures: FoundPicture[]
    switch (query.kind) {
      case 'all':
        pictures = index
          .pictures()
          .map((facts) => found(facts, null))
          .sort((a, b) => b.date - a.date)
        break
      case 'words': {
        const [read] = await this.#working(index, { report, signal }, ({ model }) =>
          model.textFeatures([query.text], { signal }),
        )
        startedAt = this.#parts.now()
        pictures = byLikeness(index, read?.vector ?? new Float32Array())
        break
      }
      case 'alike':
        pictures = alike(index, query.key)
        break
    }
    throwIfCancelled(signal)
    return { pictures, ms: this.#parts.now() - startedAt }
  }

  readonly rematch: Handler<'rematch'> = async ({ text, keys }, report, signal) => {
    const index = await this.#index()
    const options = { report: unheard, signal }
    const matches: (Rematch | null)[] = []
    const read = await this.#working(index, options, ({ model }) => model.textFeatures([text], { signal }))
    for (const key of keys) {
      throwIfCancelled(signal)
      const facts = index.picture(key)
      const image = facts === undefined ? null : await this.#sources.file(facts)
      if (facts === undefined || image === null) {
        matches.push(null)
        continue
      }
      const [pair] = await this.#working(index, options, async (opened) => {
        const seen = await opened.see({ id: `search ${facts.sha256}`, image }, unheard, signal)
        return opened.model.match(seen, [text], { signal, read })
      })
      if (pair === undefined) throw new AppError('bug', 'A picture was compared with nothing.')
      const match = { key, match: pair.itm, score: pair.logits[1] + pair.itc }
      matches.push(match)
      report(match)
    }
    return matches
  }

  readonly thumbnails: Handler<'thumbnails'> = async ({ sha256s }) => {
    const index = await this.#index()
    return Promise.all(sha256s.map(async (sha256) => (await index.thumbnail(sha256)) ?? null))
  }

  readonly pictureFile: Handler<'pictureFile'> = async ({ key }) => {
    const facts = (await this.#index()).picture(key)
    return facts === undefined ? null : this.#sources.file(facts)
  }

  /** For a thread that serves others besides. */
  get calls(): Handlers<SearchCalls> {
    const { searchState, addFolder, index, holdIndexing, removeSource, clearIndex, clearOtherIndexes } = this
    const { find, rematch, thumbnails, pictureFile } = this
    return {
      ...{ searchState, addFolder, index, holdIndexing, removeSource, clearIndex, clearOtherIndexes },
      ...{ find, rematch, thumbnails, pictureFile },
    }
  }

  /** Between two pictures, calls that somebody waits for come first. */
  #see(image: Blob, index: PictureIndex, signal: AbortSignal): Promise<SeenForIndex> {
    const options = { report: unheard, signal, canWait: true }
    return this.#working(index, options, async (opened) => {
      const picture = await opened.encode(image, unheard, signal)
      try {
        const { vectors } = await opened.model.imageFeatures(picture)
        const { bytes, width, height } = await this.#parts.thumbnail(image)
        return { vectors, width, height, thumbnail: bytes }
      } finally {
        picture.features.dispose()
      }
    })
  }

  /** Works with the model of an index. Rejects `cancelled` when another was chosen before its turn came. */
  #working<T>(
    { modelKey }: PictureIndex,
    options: Parameters<Comparer['work']>[1],
    work: (opened: OpenedComparer) => Promise<T>,
  ): Promise<T> {
    const { comparer } = this.#parts
    const withSame = (opened: OpenedComparer): Promise<T> => {
      if (comparer.chosen.key === modelKey) return work(opened)
      throw new AppError('cancelled', 'Another model was chosen meanwhile, which has an index of its own.')
    }
    return comparer.work(withSame, options)
  }

  /** Does `work` while no other tab changes the index. Rejects `busy` when one does. */
  async #changing<T>(work: (index: PictureIndex) => Promise<T>): Promise<T> {
    const index = await this.#index()
    const done = await this.#parts.locks.ifFree(LOCK, async () => {
      await index.refresh()
      await this.#dropOrphans(index)
      return { result: await work(index) }
    })
    if (done !== undefined) return done.result
    throw new AppError(
      'busy',
      'The pictures are being indexed already, perhaps in another tab; wait for it or pause it.',
    )
  }

  /** Files of sources that are gone, which a crash left. */
  async #dropOrphans(index: PictureIndex): Promise<void> {
    const ids = new Set((await this.#sources.all()).map(({ id }) => id))
    await index.commit({ added: [], refused: [], gone: index.keysBeside(ids) })
  }

  async #state(): Promise<SearchState> {
    const index = await this.#index()
    const sources = (await this.#sources.all()).map((source) => {
      const files = [...index.files(source.id).values()]
      const refused = files.filter((file) => 'why' in file).length
      const { id, kind, name, handle } = source
      const isHere = this.#sources.isHere(source)
      return { id, kind, name, handle, pictures: files.length - refused, refused, isHere }
    })
    const otherBytes = await otherIndexBytes(this.#parts.table, index.modelKey)
    return { sources, pictures: index.count, bytes: index.bytes, otherBytes }
  }

  /** The index of the chosen model. */
  #index(): Promise<PictureIndex> {
    const { key, manifest } = this.#parts.comparer.chosen
    if (this.#opened?.key === key) return this.#opened.index
    const { queries, projectionSize: width } = manifest.parts['text-q-former'].shape
    const index = PictureIndex.open(this.#parts.table, key, { queries, width })
    const opened = { key, index }
    this.#opened = opened
    // A later call tries it anew.
    index.catch(() => {
      if (this.#opened === opened) this.#opened = null
    })
    return index
  }
}
