/** Which process this is, and which others have ended. */
import { createHash } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { systemCode } from './system-errors.ts'

/** Who made a claim. Two processes never have all of it in common. */
export interface Claimant {
  pid: number
  /** Ticks between the start of the machine and that of the process; 0 where the system does not tell. */
  started: string
  /** Which run of the machine (Linux: `boot_id`); 0 where the system does not tell. */
  boot: string
  /** Which machine, and which view of its processes: pids mean nothing anywhere else. */
  machine: string
}

export interface Processes {
  whoAmI(): Promise<Claimant>
  /** Whether the process that made a claim has certainly ended. Of another machine's nothing is certain. */
  isGone(claim: Claimant, self: Claimant): Promise<boolean>
}

export const systemProcesses: Processes = { whoAmI, isGone }

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
