import { describe, expect, it } from 'vitest'
import { ChunkFiller, type Slot } from './chunk-filler.ts'

/** Three chunks of four bytes. */
function slots(): Slot[] {
  return [0, 4, 8].map((start) => ({ path: `at ${start}`, start, end: start + 4, chunk: undefined }))
}

/** A disk that writes when it is told to, and says what it holds. */
function slowDisk(): {
  write: (path: string, bytes: Uint8Array<ArrayBuffer>) => Promise<{ bytes: number; sha256: string }>
  begun: string[]
  written: Record<string, number[]>
  next: (error?: Error) => Promise<void>
} {
  const begun: string[] = []
  const written: Record<string, number[]> = {}
  const waiting: ((error?: Error) => void)[] = []
  return {
    begun,
    written,
    write: (path, bytes) => {
      begun.push(path)
      return new Promise((resolve, reject) => {
        waiting.push((error) => {
          if (error === undefined) {
            written[path] = [...bytes]
            resolve({ bytes: bytes.length, sha256: path })
          } else reject(error)
        })
      })
    },
    next: async (error) => {
      waiting.shift()?.(error)
      await new Promise((resolve) => setTimeout(resolve))
    },
  }
}

const piece = (offset: number, ...bytes: number[]): { offset: number; bytes: Uint8Array<ArrayBuffer> } => ({
  offset,
  bytes: Uint8Array.from(bytes),
})

describe('chunks are filled while one is written', () => {
  it('which keeps its bytes until it is, and of which there is one at a time', async () => {
    const disk = slowDisk()
    const filler = new ChunkFiller(slots(), disk.write)
    await filler.add(piece(0, 1, 2, 3, 4, 5, 6))
    const second = filler.add(piece(6, 7, 8, 9))
    await Promise.resolve()
    expect(disk.begun).toEqual(['at 0'])
    await disk.next()
    await second
    expect(disk.begun).toEqual(['at 0', 'at 4'])
    const end = filler.end()
    await disk.next()
    await disk.next()
    await end
    expect(disk.written).toEqual({ 'at 0': [1, 2, 3, 4], 'at 4': [5, 6, 7, 8], 'at 8': [9, 0, 0, 0] })
  })

  it('and what is there already is passed over', async () => {
    const disk = slowDisk()
    const there = slots().map((slot, i) =>
      i === 1 ? { ...slot, chunk: { bytes: 4, sha256: 'kept' } } : slot,
    )
    const filler = new ChunkFiller(there, disk.write)
    await filler.add(piece(0, 1, 1, 1, 1, 2, 2, 2, 2, 3))
    const end = filler.end()
    await disk.next()
    await disk.next()
    await end
    expect(disk.written).toEqual({ 'at 0': [1, 1, 1, 1], 'at 8': [3, 0, 0, 0] })
    expect(there.map(({ chunk }) => chunk?.sha256)).toEqual(['at 0', 'kept', 'at 8'])
  })

  it('and one that cannot be written fails the next, or the end', async () => {
    for (const step of ['next', 'end'] as const) {
      const disk = slowDisk()
      const filler = new ChunkFiller(slots(), disk.write)
      await filler.add(piece(0, 1, 2, 3, 4))
      await disk.next(new Error('the disk is full'))
      await expect(step === 'end' ? filler.end() : filler.add(piece(4, 5, 6, 7, 8))).rejects.toThrow('full')
      expect(disk.begun).toEqual(['at 0'])
      await filler.idle()
    }
  })

  it('and whoever stops can wait until nothing is written any more', async () => {
    const disk = slowDisk()
    const filler = new ChunkFiller(slots(), disk.write)
    await filler.add(piece(0, 1, 2, 3, 4))
    let idle = false
    const waiting = filler.idle().then(() => (idle = true))
    await new Promise((resolve) => setTimeout(resolve))
    expect(idle).toBe(false)
    await disk.next()
    await waiting
    expect(disk.written).toEqual({ 'at 0': [1, 2, 3, 4] })
  })
})
