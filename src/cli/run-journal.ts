/** The log of a run as a file: what was added is on the disk before anything else happens. */
import { open, readFile, truncate, type FileHandle } from 'node:fs/promises'
import {
  finishedLine,
  headLine,
  outcomeLine,
  readJournal,
  type Outcome,
  type RunHead,
  type RunSoFar,
} from '../studio/journal.ts'
import { replaceFile } from './durable.ts'
import { failOf, systemCode } from './system-errors.ts'

/** What an earlier run left; null where there was none, or it did not come to its first line. Throws `bad-file`. */
export async function earlierRun(path: string): Promise<RunSoFar | null> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    if (systemCode(cause) === 'ENOENT') return new Uint8Array()
    return failOf(cause, path, 'read')
  })
  return readJournal(bytes)
}

export class RunJournal {
  readonly #path: string
  readonly #file: FileHandle

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  /** Goes on behind the whole lines of `earlier`, or begins anew where there is nothing to go on with. */
  static async open(path: string, head: RunHead, earlier: RunSoFar | null): Promise<RunJournal> {
    if (earlier === null) {
      await replaceFile(path, new TextEncoder().encode(headLine(head)))
    } else await truncate(path, earlier.wholeBytes).catch((cause: unknown) => failOf(cause, path, 'written'))
    return new RunJournal(
      path,
      await open(path, 'a').catch((cause: unknown) => failOf(cause, path, 'written')),
    )
  }

  async add(outcome: Outcome): Promise<void> {
    await this.#append(outcomeLine(outcome))
  }

  async finish(): Promise<void> {
    await this.#append(finishedLine())
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  async #append(line: string): Promise<void> {
    try {
      await this.#file.appendFile(line)
      await this.#file.datasync()
    } catch (cause) {
      failOf(cause, this.#path, 'written')
    }
  }
}
