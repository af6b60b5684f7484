/** A folder is worked on by one page at a time. */
import { AppError } from '../../pack/failure.ts'
import type { StudioDependencies } from './studio-slice.ts'

type Locks = StudioDependencies['locks']

/** Has a folder for this page until what is given is called, which settles when it is free; null when another page has it. */
export function holdFolder(locks: Locks, id: string): Promise<(() => Promise<void>) | null> {
  return new Promise((resolve, reject) => {
    const held = locks.ifFree(nameOf(id), () => {
      return new Promise<true>((end) => {
        resolve(async () => {
          end(true)
          await held.catch(() => undefined)
        })
      })
    })
    held.then((was) => {
      if (was === undefined) resolve(null)
    }, reject)
  })
}

/** Does something with a folder that no page works on. Rejects `busy`. */
export async function whileFree(locks: Locks, id: string, work: () => Promise<void>): Promise<void> {
  const done = await locks.ifFree(nameOf(id), () => work().then(() => true))
  if (done === undefined) throw elsewhere()
}

function nameOf(id: string): string {
  return `pictalk-studio ${id}`
}

export function elsewhere(): AppError {
  return new AppError('busy', 'This folder is open in another tab; go on there, or close it there first.')
}
