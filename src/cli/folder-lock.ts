/**
 * A folder that is written into has one owner. Whoever wants to be it puts down a claim, a file whose name nobody else
 * ever uses, and then looks for others: of two that come at once, at least the later one sees the earlier, so there are
 * never two. A claim says in its name which process made it, so the claims of processes that are gone are swept by
 * whoever comes next, and a crash leaves nothing behind that needs a hand.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { AppError } from '../pack/failure.ts'
import { makeFolder, removeEmpty } from './durable.ts'
import { failOf, systemCode } from './system-errors.ts'

/** Who made a claim. Two processes never have all of it in common. */
interface Claimant {
  pid: number
  /** Ticks between the start of the machine and that of the process; 0 where the system does not tell. */
  started: string
  /** Which run of the machine (Linux: `boot_id`); 0 where the system does not tell. */
  boot: string
  /** Which machine, and which view of its processes: pids mean nothing anywhere else. */
  machine: string
}

interface Claim extends Claimant {
  file: string
}

const CLAIM = /^\.pictalk-(\d+)-(\d+)-([0-9a-f]+)-([0-9a-f]+)-[0-9a-f]+\.lock$/
/** How often, and how far apart, we look whether a claim that came at the same moment gives way. */
const LOOKS = 10
const LOOK_MS = 20

/**
 * Makes the folder where there is none and runs `work` as its only owner. Throws `busy`, with who holds it, when
 * somebody does. A folder that was made for this and is still empty is taken away again.
 */
export async function owningFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const made = await makeFolder(folder)
  try {
    const release = await claimFolder(folder)
    try {
      return await work()
    } finally {
      await release()
    }
  } finally {
    await removeEmpty(made)
  }
}

/** Puts down a claim that holds until the given function is called. */
async function claimFolder(folder: string): Promise<() => Promise<void>> {
  const self = await whoAmI()
  const { pid, started, boot, machine } = self
  const file = `.pictalk-${pid}-${started}-${boot}-${machine}-${randomBytes(8).toString('hex')}.lock`
  const path = join(folder, file)
  const release = (): Promise<void> => rm(path, { force: true })
  try {
    await writeFile(path, `${hostname()}\n`, { flag: 'wx' })
  } catch (cause) {
    failOf(cause, folder, 'written')
  }
  try {
    for (let look = 1; ; look += 1) {
      const others = await liveClaims(folder, file, self)
      if (others.length === 0) return release
      // Of those who come at once the first by name stays and waits for the others to give way.
      const yields = others.find((other) => other.file < file)
      if (yields !== undefined || look >= LOOKS) throw await heldBy(folder, yields ?? others[0], self)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  } catch (error) {
    await release()
    throw error
  }
}

/** The claims of others that hold. Those of processes that are gone are deleted: their names never come again. */
async function liveClaims(folder: string, own: string, self: Claimant): Promise<Claim[]> {
  const names = await readdir(folder).catch((cause: unknown) => failOf(cause, folder, 'read'))
  const live: Claim[] = []
  for (const file of names) {
    const [, pid, started, boot, machine] = CLAIM.exec(file) ?? []
    if (file === own || pid === undefined) continue
    const claim = { file, pid: Number(pid), started: started ?? '', boot: boot ?? '', machine: machine ?? '' }
    if (await isGone(claim, self)) await rm(join(folder, file), { force: true })
    else live.push(claim)
  }
  return live
}

/** Whether the process that made a claim has certainly ended. Of another machine's nothing is certain. */
async function isGone(claim: Claimant, self: Claimant): Promise<boolean> {
  if (claim.machine !== self.machine) return false
  if (claim.boot !== self.boot) return true
  if (!isRunning(claim.pid)) return true
  // The number was given to another process since.
  return claim.started !== '0' && (await startOf(claim.pid)) !== claim.started
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // It runs, and belongs to somebody else.
    return systemCode(error) === 'EPERM'
  }
}

async function heldBy(folder: string, claim: Claim | undefined, self: Claimant): Promise<AppError> {
  const pid = claim?.pid ?? 0
  const path = join(folder, claim?.file ?? '')
  if (claim === undefined || claim.machine === self.machine) {
    return new AppError(
      'busy',
      `Process ${pid} is writing into ${folder} just now; wait until it has ended, or choose another folder.`,
      { details: { pid } },
    )
  }
  const host = (await readFile(path, 'utf8').catch(() => '')).trim().slice(0, 100) || 'another computer'
  return new AppError(
    'busy',
    `Process ${pid} of ${host} is writing into ${folder}; wait until it has ended, or delete ${path} if you know that it has.`,
    { details: { pid } },
  )
}

async function whoAmI(): Promise<Claimant> {
  const [boot, machine, processes] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => undefined),
    readFile('/etc/machine-id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ])
  return {
    pid: process.pid,
    started: (await startOf(process.pid)) ?? '0',
    boot: boot === undefined ? '0' : digest(boot),
    machine: digest([hostname(), machine, processes].join('\n')),
  }
}

/** When a process began: field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)); undefined where there is no such file. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // The second field is the program's name in parentheses, which may hold anything.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
