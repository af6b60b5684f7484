/** Every call that the page makes to the keeper: what models would take, keeping them, letting them go. */
import type { CaptionWork } from '../pack/caption-work.ts'
import type { ContextReason, ContextReport, MemoryChoice, Provider } from '../pack/device-report.ts'
import type { Failure } from '../pack/failure.ts'
import type { LanguageLicence } from '../pack/licences.ts'
import type { Precision } from '../pack/manifest.ts'

/** What a person gave: an address, or files of this computer with their paths within what was chosen. */
export type ModelSource =
  | { kind: 'address'; text: string }
  | { kind: 'files'; files: { path: string; file: File }[] }

export interface AddRequest {
  source: ModelSource
  /** What a checkpoint is converted to; a pack is what it is. */
  precision: Precision
  /** Side of the pictures, in pixels, that a checkpoint is to look at; absent for what it was trained on. */
  imageSize?: number
  /** For private and gated repositories. Kept nowhere. */
  token: string | null
  /** The hub or a mirror of it. */
  hub: string
}

/** What adding would mean depends on what the model will be loaded with, too. */
export interface OfferRequest extends AddRequest {
  /** What to compute on. */
  prefer: Provider | null
  memory: MemoryChoice
}

/** Something that was found out about this device; `ok` is false for what speaks against the model. */
export interface Finding {
  ok: boolean
  /** It does not speak against the model, and is no good news either: something is slower or shorter than it could be. */
  mixed?: true
  /** Which sentence says it, in whatever language: `findings` among the page's words for models. */
  key: FindingKey
  /** What goes into it: bytes, seconds, positions, names. */
  values?: Record<string, string | number>
}

/** Of a pair the second is about a software renderer; `Little` doubts that there is enough. */
export type FindingKey =
  | 'onProcessor'
  | 'software'
  | 'softwareUnnamed'
  | `${'tooLarge' | 'fits' | 'half' | 'noHalf'}${'Card' | 'Software'}`
  | `weights${'Wasm' | 'Told' | 'Assumed'}${'' | 'Little'}`
  | 'staysLoaded'
  | 'putAway'
  | `context${'Model' | 'Tried' | 'Memory' | 'Assumed' | 'Buffer' | 'Wasm'}`
  | `room${'' | 'Little'}`
  | `caption${'Processor' | 'Card' | 'Software' | 'Graphics'}`

/** How long a conversation may be, and why: of a model that may be added, and of the one in use. */
export function contextFinding({ positions, possible, why }: ContextReport): Finding {
  if (why === 'model') return { ok: true, key: 'contextModel', values: { positions } }
  return { ok: true, mixed: true, key: CONTEXT_KEYS[why], values: { positions, possible } }
}

const CONTEXT_KEYS: Record<Exclude<ContextReason, 'model'>, FindingKey> = {
  memory: 'contextMemory',
  'assumed-memory': 'contextAssumed',
  buffer: 'contextBuffer',
  wasm: 'contextWasm',
}

/** Where a model came from. */
export interface ModelPlace {
  server: string
  /** The page or the folder that holds it. */
  url: string
  /** Both null where the server is no hub and names neither. */
  owner: string | null
  revision: string | null
}

/** What adding a model would mean, before the first byte of its weights. */
export interface Offer {
  /** What the kept model will be called by, finished or not. */
  id: string
  what: 'pack' | 'checkpoint'
  name: string
  precision: Precision
  parameters: number
  licence: string | null
  licenceNotice: string | null
  /** What its language model was published under, whatever its card says; null where nothing is known. */
  languageLicence: LanguageLicence | null
  /** Null for files of this computer. */
  place: ModelPlace | null
  /** Bytes still to be fetched or read, and of the finished pack. */
  fetchBytes: number
  keepBytes: number
  /** The same where what was only looked at (whether two tensors are one) turns out otherwise; else equal to these. */
  most: { fetchBytes: number; keepBytes: number }
  /** At which they would arrive, measured; null for files of this computer, for little, and when it cannot be told. */
  bytesPerSecond: number | null
  /** Of the checkpoint, at which they would be converted here, measured; null for a pack, which is as it is. */
  convertBytesPerSecond: number | null
  /** What a caption asks of the device; null for models that write none. */
  work: CaptionWork | null
  /** The address pinned to what it holds now; null for files. */
  pinned: string | null
  /** Some of it is here already: of a former attempt, or of another model that shares it. */
  resumes: boolean
  findings: Finding[]
}

export interface KeptModel {
  id: string
  name: string
  precision: Precision | null
  /** Of the pack; of one that is not whole, what there is so far. */
  bytes: number
  complete: boolean
  licence: string | null
  licenceNotice: string | null
  /** As in an offer. */
  languageLicence: LanguageLicence | null
  place: ModelPlace | null
  /** Where the rest can be fetched; null for files of this computer. */
  address: string | null
  /** As it was asked for, not pinned: here a new version would appear. */
  asked: string | null
  /** Made here from a checkpoint. */
  converted: Precision | null
  /** For pictures of this side, where that was chosen. */
  imageSize?: number
  /** It compares pictures with texts and writes nothing. */
  compares: boolean
}

export interface Space {
  usedBytes: number | null
  /** What the browser says could still be kept; null when it does not say. */
  freeBytes: number | null
  /** The browser has promised not to clear it on its own. */
  persisted: boolean
}

/** The browser has no connection, or an attempt failed and the next one is in so many seconds. */
export type FetchDelay = 'offline' | { failure: Failure; seconds: number }

export interface AddProgress {
  doing: 'fetching' | 'converting'
  name: string
  doneBytes: number
  totalBytes: number
  bytesPerSecond: number | null
  secondsLeft: number | null
  parts: { path: string; doneBytes: number; totalBytes: number }[]
  /** Why nothing arrives just now; null when something does, absent where a page of an older version tells it. */
  delay?: FetchDelay | null
  /** Another tab does the work. */
  elsewhere: boolean
}

export type StoreNews = { kind: 'changed' } | { kind: 'progress'; id: string; progress: AddProgress | null }

export interface KeeperCalls {
  /** Finds what the request means, and reads no weights but what it takes to measure the line. */
  offer: { in: OfferRequest; event: never; out: Offer }
  /** Bytes of a checkpoint that this device converts in a second, measured. */
  convertingSpeed: { in: { precision: Precision }; event: never; out: number }
  /** Cancelling keeps what has arrived: it is a pause. */
  add: { in: AddRequest; event: AddProgress; out: KeptModel }
  /** `modelBytes`: what the models take together, where what several have in common counts once. */
  list: { in: null; event: never; out: { models: KeptModel[]; modelBytes: number; space: Space } }
  /** Ids of the kept packs of which there is a newer version where they came from. Says nothing of what it cannot reach. */
  newer: { in: { hub: string }; event: never; out: string[] }
  /** Gives the bytes that became free. */
  remove: { in: { id: string }; event: never; out: number }
  /** Writes the pack's files into the folder, or gives them as one ZIP file where there is none. */
  save: {
    in: { id: string; folder: FileSystemDirectoryHandle | null }
    event: { doneBytes: number; totalBytes: number }
    out: Blob | null
  }
  /** Runs until it is cancelled: what other tabs do. */
  watch: { in: null; event: StoreNews; out: null }
}
