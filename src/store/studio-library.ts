/** Captioned folders as they are kept in this browser: a table of projects, and for each a table of its pictures and one of its steps. */
import { AppError } from '../pack/failure.ts'
import { isRecord } from '../pack/json.ts'
import type { CaptionedPicture } from '../studio/caption.ts'
import type { History, Step } from '../studio/history.ts'
import type { StudioLibrary } from '../studio/library.ts'
import type { Project } from '../studio/project.ts'
import { soundPicture, soundProject, soundStep } from '../studio/sound.ts'
import { browserTable, type OpenTable } from './indexed-db.ts'
import type { Table } from './table.ts'

export function openStudioLibrary(open: OpenTable = browserTable): StudioLibrary {
  const projects = open<Project>('pictalk-studio')
  const picturesOf = once((id) => open<CaptionedPicture>(`pictalk-studio-${id}`))
  const stepsOf = once((id) => open<Step | Order>(`pictalk-steps-${id}`))
  return {
    async projects() {
      const kept = (await projects.values()).flatMap((record) => soundProject(record) ?? [])
      return kept.sort((one, other) => other.changedAt - one.changedAt)
    },
    keepProject: (project) => projects.set(project.id, project).catch(explain),
    async removeProject(id) {
      // The name goes first: captions that nobody finds any more are only bytes.
      await projects.remove([id])
      const pictures = picturesOf(id)
      await pictures.remove(await pictures.keys())
      const steps = stepsOf(id)
      await steps.remove(await steps.keys())
    },
    pictures: async (id) => (await picturesOf(id).values()).flatMap((record) => soundPicture(record) ?? []),
    keepPictures: (id, pictures) =>
      picturesOf(id)
        .setAll(pictures.map((picture) => [picture.path, picture]))
        .catch(explain),
    async history(id) {
      const table = stepsOf(id)
      const { done, undone } = soundOrder(await table.get(ORDER))
      return { done: await behindDamage(table, done), undone: await behindDamage(table, undone) }
    },
    keepHistory: (id, history) => keepHistory(stepsOf(id), history).catch(explain),
  }
}

/** Which steps there are, in their order; each has a record of its own. */
interface Order {
  done: readonly string[]
  undone: readonly string[]
}

const ORDER = 'order'

/** Only steps that are new are written: each may be thousands of captions. */
async function keepHistory(table: Table<Step | Order>, { done, undone }: History): Promise<void> {
  const steps = [...done, ...undone]
  const there = new Set(await table.keys())
  const added = steps.filter(({ id }) => !there.has(id))
  const order = { done: done.map(({ id }) => id), undone: undone.map(({ id }) => id) }
  await table.setAll([...added.map((step) => [step.id, step] as const), [ORDER, order]])
  // Nothing speaks of these any more.
  const known = new Set([ORDER, ...steps.map(({ id }) => id)])
  await table.remove([...there].filter((id) => !known.has(id)))
}

/** Steps are travelled one by one, so what is damaged cuts off those that lie behind it. */
async function behindDamage(table: Table<Step | Order>, ids: readonly string[]): Promise<Step[]> {
  const steps = await Promise.all(ids.map(async (id) => soundStep(await table.get(id))))
  return steps.slice(steps.lastIndexOf(undefined) + 1).filter((step) => step !== undefined)
}

function soundOrder(value: unknown): Order {
  const ids = (name: keyof Order): string[] => {
    const list = isRecord(value) ? value[name] : undefined
    return Array.isArray(list) ? list.filter((id) => typeof id === 'string') : []
  }
  return { done: ids('done'), undone: ids('undone') }
}

function once<T>(open: (id: string) => T): (id: string) => T {
  const opened = new Map<string, T>()
  return (id) => {
    const table = opened.get(id) ?? open(id)
    opened.set(id, table)
    return table
  }
}

/** The table's own words are about models. */
function explain(cause: unknown): never {
  if (!(cause instanceof AppError && cause.code === 'no-space')) throw cause
  throw new AppError(
    'no-space',
    'The disk is full, so captions cannot be kept; free some space, and go on.',
    { cause },
  )
}
