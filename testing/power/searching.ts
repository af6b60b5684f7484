/** An index of pictures is made, follows its folder, is deleted and made anew. */
import { seededRandom, type Random } from '../../src/scenes/random.ts'
import { fileKey, type SearchEntry } from '../../src/search/entries.ts'
import { indexSource } from '../../src/search/indexing.ts'
import { PictureIndex } from '../../src/search/picture-index.ts'
import { unrounded } from '../../src/search/vectors.ts'
import { listed, seeMadeUp, takenMadeUp, SHAPE, vectorsOf } from '../search/made-up.ts'
import { Databases } from './databases.ts'
import type { Session } from './machine.ts'
import { demand, type Scenario, type Work } from './scenario.ts'

const SOURCE = 'folder'
const MOST_PICTURES = 40
/** So few that most changes touch several blocks. */
const BLOCK_PICTURES = 4
const CHANGES = ['index', 'change', 'change', 'delete all'] as const

export const searching: Scenario = {
  name: 'searching',
  prepare: (random) => Promise.resolve(new Searching(random)),
}

class Searching implements Work {
  readonly media: readonly [Databases]
  readonly #databases = new Databases()
  readonly #random: Random
  readonly #folder = new Map<string, string>()
  /** Everything that ever lay under a path: what an index may hold of it. */
  readonly #ever = new Map<string, Set<string>>()
  #left: (typeof CHANGES)[number][]
  #names = 0

  constructor(random: Random) {
    this.#random = random
    this.media = [this.#databases]
    for (let i = 1 + Math.floor(random.next() * MOST_PICTURES); i > 0; i -= 1) this.#put(`${i}.jpg`)
    this.#left = ['index', ...Array.from({ length: 4 }, () => random.pick([...CHANGES]))]
  }

  async goOn(session: Session): Promise<void> {
    const index = await this.#open(session)
    for (let next = this.#left[0]; next !== undefined; next = this.#left[0]) {
      if (next === 'change') this.#change()
      else if (next === 'delete all') await index.clear()
      await this.#index(index)
      this.#left = this.#left.slice(1)
    }
    // What was cut short behind the last change.
    await this.#index(index)
  }

  /** Whatever is there belongs together. */
  async check(session: Session): Promise<void> {
    const index = await this.#open(session)
    const seen = new Set<string>()
    for (const facts of index.pictures()) {
      const key = fileKey(facts)
      demand(!seen.has(key), `${facts.path} is there twice`)
      seen.add(key)
      const small = await index.thumbnail(facts.sha256)
      const text = new TextDecoder().decode(small).replace(/^small /, '')
      demand(this.#ever.get(facts.path)?.has(text) === true, `${facts.path} has the thumbnail of “${text}”`)
      const kept = index.vectors(key)
      const right = vectorsOf(text)
      const values = kept === undefined ? [] : unrounded(kept)
      const isRight = right.every((value, i) => Math.abs(value - (values[i] ?? NaN)) < 0.01)
      demand(isRight, `${facts.path} has the vectors of another picture`)
    }
  }

  async checkEnd(session: Session): Promise<void> {
    const index = await this.#open(session)
    const paths = index.pictures().map(({ path }) => path)
    const wanted = [...this.#folder].filter(([, text]) => !text.startsWith('!'))
    demand(paths.length === wanted.length, `${paths.length} pictures instead of ${wanted.length}`)
    for (const [path, text] of wanted) {
      const facts = index.picture(fileKey({ source: SOURCE, path }))
      const small = await index.thumbnail(facts?.sha256 ?? '')
      demand(new TextDecoder().decode(small) === `small ${text}`, `${path} is not the latest`)
    }
    const small = [...this.#databases.entries('pictalk-search').keys()].filter((key) =>
      key.includes('/thumbnail/'),
    )
    const different = new Set(wanted.map(([, text]) => text)).size
    demand(small.length === different, `${small.length} thumbnails of ${different} pictures`)
  }

  #open(session: Session): Promise<PictureIndex> {
    const table = this.#databases.tables(session)<SearchEntry>('pictalk-search', { durability: 'relaxed' })
    return PictureIndex.open(table, 'model', { ...SHAPE, blockPictures: BLOCK_PICTURES })
  }

  async #index(index: PictureIndex): Promise<void> {
    const { signal } = new AbortController()
    const read = { see: seeMadeUp, taken: takenMadeUp }
    const parts = { index, ...read, report: () => undefined, signal, now: () => 0 }
    await indexSource(SOURCE, listed(SOURCE, this.#folder), parts)
  }

  #put(path: string): void {
    this.#names += 1
    const text = this.#random.next() < 0.1 ? `!${this.#names}` : `picture ${this.#names}`
    this.#folder.set(path, text)
    this.#ever.set(path, (this.#ever.get(path) ?? new Set()).add(text))
  }

  /** Some files get other contents, some move, some go. */
  #change(): void {
    const random = seededRandom(this.#names)
    for (const [path, text] of [...this.#folder]) {
      const share = random.next()
      if (share < 0.1) this.#put(path)
      else if (share < 0.2) {
        this.#folder.delete(path)
        const moved = `moved/${path}`
        this.#folder.set(moved, text)
        this.#ever.set(moved, (this.#ever.get(moved) ?? new Set()).add(text))
      } else if (share < 0.3) this.#folder.delete(path)
    }
    this.#put(`new ${this.#names}.jpg`)
  }
}
