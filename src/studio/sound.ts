/** The gate for captions and folders that were kept: what lies on somebody's disk may have become anything. */
import { isDecoding } from '../pack/decoding.ts'
import { failureIn } from '../pack/failure.ts'
import { isRecord } from '../pack/json.ts'
import type { Author, CaptionedPicture, CaptionVersion } from './caption.ts'
import { EXISTING } from './compose.ts'
import type { PictureChange, Step, Texts } from './history.ts'
import { TARGETS, type CaptionRun, type Project, type RunSettings } from './project.ts'

/** The picture, or undefined for what is none. */
export function soundPicture(value: unknown): CaptionedPicture | undefined {
  if (!isRecord(value) || typeof value['path'] !== 'string' || !Array.isArray(value['versions']))
    return undefined
  const versions = value['versions'].map(soundVersion)
  if (versions.includes(undefined)) return undefined
  const { path, altText, longDescription, run, match, candidates } = value
  return {
    path,
    versions: versions.filter((one) => one !== undefined),
    accepted: value['accepted'] === true,
    altText: textOr(altText, ''),
    altAccepted: value['altAccepted'] === true,
    longDescription: textOr(longDescription, ''),
    candidates: Array.isArray(candidates) ? candidates.flatMap(soundCandidate) : [],
    run: textOr(run, null),
    match: typeof match === 'number' ? match : null,
    failure: failureIn(value['failure']),
  }
}

/** The project, or undefined for what is none; a run that is none is left out. */
export function soundProject(value: unknown): Project | undefined {
  if (!isRecord(value)) return undefined
  const { id, name, changedAt, handle } = value
  if (typeof id !== 'string' || typeof name !== 'string' || typeof changedAt !== 'number') return undefined
  return {
    id,
    name,
    changedAt,
    handle: isHandle(handle) ? handle : null,
    run: soundRun(value['run']),
    settings: soundSettings(value['settings']),
  }
}

function soundRun(value: unknown): CaptionRun | null {
  if (!isRecord(value)) return null
  const { id, paths, status, startedAt } = value
  const settings = soundSettings(value['settings'])
  if (typeof id !== 'string' || typeof startedAt !== 'number' || settings === null) return null
  if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string')) return null
  if (status !== 'running' && status !== 'paused' && status !== 'ended') return null
  return { id, settings, paths, status, startedAt }
}

function soundSettings(value: unknown): RunSettings | null {
  if (!isRecord(value)) return null
  const { asked, decoding, dress } = value
  const target = TARGETS.find((one) => one === value['target'])
  const existing = EXISTING.find((one) => one === value['existing'])
  if (target === undefined || existing === undefined) return null
  if (!isRecord(asked) || !isRecord(dress) || !isDecoding(decoding)) return null
  const { trigger, prefix, suffix } = dress
  if (typeof trigger !== 'string' || typeof prefix !== 'string' || typeof suffix !== 'string') return null
  const question = soundAsked(asked)
  return question && { target, existing, asked: question, decoding, dress: { trigger, prefix, suffix } }
}

function soundAsked({
  kind,
  prompt,
  question,
  template,
}: Record<string, unknown>): RunSettings['asked'] | null {
  if (kind === 'caption' && typeof prompt === 'string') return { kind, prompt }
  if (kind !== 'question' || typeof question !== 'string' || typeof template !== 'string') return null
  return { kind, question, template }
}

/** The step, or undefined for what is none. */
export function soundStep(value: unknown): Step | undefined {
  if (!isRecord(value) || !Array.isArray(value['changes'])) return undefined
  const { id, name } = value
  const changes = value['changes'].map(soundChange)
  if (typeof id !== 'string' || typeof name !== 'string' || changes.includes(undefined)) return undefined
  return { id, name, changes: changes.filter((one) => one !== undefined) }
}

function soundChange(value: unknown): PictureChange | undefined {
  if (!isRecord(value)) return undefined
  const { path, kept } = value
  const [before, after] = [soundTexts(value['before']), soundTexts(value['after'])]
  if (typeof path !== 'string' || typeof kept !== 'number' || !(kept >= 0)) return undefined
  return before && after && { path, kept, before, after }
}

/** What a side of a step holds is what a picture holds. */
function soundTexts(value: unknown): Texts | undefined {
  const picture = isRecord(value) ? soundPicture({ ...value, path: '' }) : undefined
  if (picture === undefined) return undefined
  const { versions, accepted, altText, altAccepted, longDescription, match, failure } = picture
  return { versions, accepted, altText, altAccepted, longDescription, match, failure }
}

function soundVersion(value: unknown): CaptionVersion | undefined {
  if (!isRecord(value)) return undefined
  const { text, at, score } = value
  const by = soundAuthor(value['by'])
  if (typeof text !== 'string' || typeof at !== 'number' || by === undefined) return undefined
  return { text, at, by, score: typeof score === 'number' ? score : null }
}

function soundAuthor(value: unknown): Author | undefined {
  if (!isRecord(value)) return undefined
  const { kind, step, name, machineMade, model, prompt, settings } = value
  if (kind === 'person') return typeof step === 'string' ? { kind, step } : { kind }
  if (kind === 'file' && typeof name === 'string')
    return machineMade === true ? { kind, name, machineMade } : { kind, name }
  if (kind !== 'model' || typeof model !== 'string' || typeof prompt !== 'string') return undefined
  return isDecoding(settings) ? { kind, model, prompt, settings } : undefined
}

function soundCandidate(value: unknown): { text: string; score: number }[] {
  if (!isRecord(value)) return []
  const { text, score } = value
  return typeof text === 'string' && typeof score === 'number' ? [{ text, score }] : []
}

/** Handles cannot be made up: what has a handle's looks was kept as one. */
function isHandle(value: unknown): value is FileSystemDirectoryHandle {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'directory'
}

function textOr<T>(value: unknown, otherwise: T): string | T {
  return typeof value === 'string' ? value : otherwise
}
