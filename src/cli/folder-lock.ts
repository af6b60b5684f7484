/**
 * A folder that is written into has one owner. Whoever wants to be it puts down a claim, a file whose name nobody else
 * ever uses, and then looks for others: of two that come at once, at least the later one sees the earlier, so there are
 * never two. A claim says in its name which process made it, so the claims of processes that are gone are swept by
 * whoever comes next, and a crash leaves nothing behind that needs a hand.
 */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { AppError } from '../pack/failure.ts'
import { nodeDisk, type Disk } from './disk.ts'
import { keepFolder, makeFolder, removeEmpty, removeFile } from './durable.ts'
import { systemProcesses, type Claimant, type Processes } from './processes.ts'
import { failOf } from './system-errors.ts'

interface Claim extends Claimant {
  file: string
}

const CLAIM = /^\.pictalk-(\d+)-(\d+)-([0-9a-f]+)-([0-9a-f]+)-[0-9a-f]+\.lock$/
/** How often, and how far apart, we look whether a claim that came at the same moment gives way. */
const LOOKS = 10
const LOOK_MS = 20

/** Where folders lie, and whose processes write into them. */
export interface Computer {
  disk: Disk
  processes: Processes
}

export const THIS_COMPUTER: Computer = { disk: nodeDisk, processes: systemProcesses }

/**
 * Makes the folder where there is none and runs `work` as its only owner. Throws `busy`, with who holds it, when
 * somebody does. A folder that was made for this and is still empty is taken away again.
 */
export async function owningFolder<T>(
  folder: string,
  work: () => Promise<T>,
  computer = THIS_COMPUTER,
): Promise<T> {
  const { disk } = computer
  const made = await makeFolder(folder, disk)
  try {
    await keepFolder(folder, disk)
    const release = await claimFolder(folder, computer)
    try {
      return await work()
    } finally {
      await release()
    }
  } finally {
    await removeEmpty(made, disk)
  }
}

/** Puts down a claim that holds until the given function is called. */
async function claimFolder(folder: string, computer: Computer): Promise<() => Promise<void>> {
  const { disk, processes } = computer
  const self = await processes.whoAmI()
  const { pid, started, boot, machine } = self
  const file = `.pictalk-${pid}-${started}-${boot}-${machine}-${randomBytes(8).toString('hex')}.lock`
  const path = join(folder, file)
  const release = (): Promise<void> => removeFile(path, disk)
  try {
    const claim = await disk.open(path, 'wx')
    try {
      await claim.writeFile(new TextEncoder().encode(`${hostname()}\n`))
    } finally {
      await claim.close()
    }
  } catch (cause) {
    failOf(cause, folder, 'written')
  }
  try {
    for (let look = 1; ; look += 1) {
      const others = await liveClaims(folder, file, self, computer)
      const [first] = others
      if (first === undefined) return release
      // Of those who come at once the first by name stays and waits for the others to give way.
      const yields = others.find((other) => other.file < file)
      if (yields !== undefined || look >= LOOKS) throw await heldBy(disk, folder, yields ?? first, self)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  } catch (error) {
    await release()
    throw error
  }
}

/** The claims of others that hold. Those of processes that are gone are deleted: their names never come again. */
async function liveClaims(
  folder: string,
  own: string,
  self: Claimant,
  { disk, processes }: Computer,
): Promise<Claim[]> {
  const names = await disk.readdir(folder).catch((cause: unknown) => failOf(cause, folder, 'read'))
  const live: Claim[] = []
  for (const file of names) {
    const [, pid, started, boot, machine] = CLAIM.exec(file) ?? []
    if (file === own || pid === undefined) continue
    const claim = { file, pid: Number(pid), started: started ?? '', boot: boot ?? '', machine: machine ?? '' }
    if (await processes.isGone(claim, self)) await disk.rm(join(folder, file), { force: true })
    else live.push(claim)
  }
  return live
}

async function heldBy(disk: Disk, folder: string, claim: Claim, self: Claimant): Promise<AppError> {
  const { pid } = claim
  const path = join(folder, claim.file)
  if (claim.machine === self.machine) {
    return new AppError(
      'busy',
      `Process ${pid} is writing into ${folder} just now; wait until it has ended, or choose another folder.`,
      { details: { pid } },
    )
  }
  const host = (await disk.readFile(path).then(textOf, () => '')).trim().slice(0, 100) || 'another computer'
  return new AppError(
    'busy',
    `Process ${pid} of ${host} is writing into ${folder}; wait until it has ended, or delete ${path} if you know that it has.`,
    { details: { pid } },
  )
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
