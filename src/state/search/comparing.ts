/**
 * The thread that compares pictures with texts, as slices see it: begun when it is first wanted, told which model to use
 * before each call that needs another than before, and begun anew when it died.
 */
import type { Provider } from '../../pack/device-report.ts'
import type { PackPlace } from '../../protocol/engine-calls.ts'
import type { CompareCalls, ComparingModel } from '../../protocol/compare-calls.ts'
import type { SearchCalls } from '../../protocol/search-calls.ts'
import type { CallOptions, Client } from '../../protocol/rpc.ts'
import type { AppState, GetState } from '../store.ts'

export type ComparingCalls = CompareCalls & SearchCalls

export interface ComparingDependencies {
  /** Begins the thread; `died` is called when it ends by itself, its calls having failed. */
  start: (died: () => void) => Client<ComparingCalls>
  /** Where the built-in model that compares lies; an absolute URL that ends in `/`. */
  builtInUrl: string
}

export class Comparing {
  readonly #get: GetState
  readonly #dependencies: ComparingDependencies
  #client: Client<ComparingCalls> | null = null
  #chosen: { choice: string; model: Promise<ComparingModel | null> } | null = null

  constructor(get: GetState, dependencies: ComparingDependencies) {
    this.#get = get
    this.#dependencies = dependencies
  }

  /** The model that compares now, opened as far as its manifest. */
  async model(): Promise<ComparingModel | null> {
    const { place, prefer } = choiceOf(this.#get(), this.#dependencies.builtInUrl)
    const besideBytes = bytesOfTalking(this.#get())
    const choice = JSON.stringify([place, prefer, besideBytes])
    if (this.#chosen?.choice === choice) return this.#chosen.model
    const model = this.#begun().call('choose', { pack: place, prefer, besideBytes })
    const chosen = { choice, model }
    this.#chosen = chosen
    // The next call tries it anew.
    model.catch(() => {
      if (this.#chosen === chosen) this.#chosen = null
    })
    return model
  }

  async call<K extends keyof ComparingCalls>(
    kind: K,
    input: ComparingCalls[K]['in'],
    options?: CallOptions<ComparingCalls[K]['event']>,
  ): Promise<ComparingCalls[K]['out']> {
    await this.model()
    return this.#begun().call(kind, input, options)
  }

  #begun(): Client<ComparingCalls> {
    this.#client ??= this.#dependencies.start(() => {
      this.#client = null
      this.#chosen = null
    })
    return this.#client
  }
}

/** A kept model that compares, the first where there are several; else the built-in one. */
function choiceOf(
  { kept, settings: { prefer } }: Pick<AppState, 'kept' | 'settings'>,
  builtInUrl: string,
): { place: PackPlace; prefer: Provider | null } {
  const own = keptComparer(kept)
  return { place: own === null ? { kind: 'web', url: builtInUrl } : { kind: 'kept', id: own.id }, prefer }
}

/** Null where nobody has added a model that compares, so that the built-in one does. */
export function keptComparer(kept: AppState['kept']): AppState['kept'][number] | null {
  return kept.find(({ compares, complete }) => compares && complete) ?? null
}

function bytesOfTalking({ model }: Pick<AppState, 'model'>): number {
  if (model.status !== 'ready') return 0
  return model.loaded.manifest.files.reduce((sum, { bytes }) => sum + bytes, 0)
}
