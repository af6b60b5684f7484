/** A disk of a few megabytes in memory, to be filled up. Linux, and root alone may mount it. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const canMount = process.platform === 'linux' && process.getuid?.() === 0

const BLOCK = new Uint8Array(2 ** 12)

export class SmallDisk {
  readonly folder = mkdtempSync(join(tmpdir(), 'pictalk-disk-'))
  readonly #filler = join(this.folder, 'filler')

  constructor(mib: number) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', this.folder])
  }

  /** Leaves no block free. */
  fill(): void {
    const file = openSync(this.#filler, 'a')
    try {
      for (;;) writeSync(file, BLOCK)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    } finally {
      closeSync(file)
    }
  }

  makeRoom(): void {
    rmSync(this.#filler)
  }

  close(): void {
    // What still has a file open there must not keep the folder.
    execFileSync('umount', ['--lazy', this.folder])
    rmSync(this.folder, { recursive: true })
  }
}
