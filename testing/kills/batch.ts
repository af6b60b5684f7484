/** A run of `pictalk batch` that is killed again and again, and what there is at its end against a run that was left alone. */
import { spawn } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

export interface KilledRun {
  /** Kills that hit a run at work, and those that came when it was through. */
  kills: number
  late: number
  /** Pictures that were captioned, counted over all runs. */
  captioned: number
  /** What differs from the run that was left alone; empty is right. */
  differences: string[]
}

export interface Batch {
  program: string
  pack: string
  /** Copied twice; it stays as it is. */
  folder: string
  /** Where the copies go. */
  work: string
  flags: readonly string[]
}

/** Kills after so many milliseconds each, then lets it end. */
export async function killedRun(batch: Batch, delays: readonly number[]): Promise<KilledRun> {
  const [alone, killed] = [join(batch.work, 'alone'), join(batch.work, 'killed')]
  cpSync(batch.folder, alone, { recursive: true })
  cpSync(batch.folder, killed, { recursive: true })
  await runOnce(batch, alone)
  let [kills, late] = [0, 0]
  const lines: string[] = []
  for (const delay of delays) {
    const { ended, stdout } = await runOnce(batch, killed, delay)
    lines.push(...stdout)
    if (ended) {
      late += 1
      break
    }
    kills += 1
  }
  if (late === 0) lines.push(...(await runOnce(batch, killed)).stdout)
  return {
    kills,
    late,
    captioned: lines.filter((line) => line.includes('"kind":"captioned"')).length,
    differences: differences(alone, killed),
  }
}

async function runOnce(
  { program, pack, flags }: Batch,
  folder: string,
  killAfter?: number,
): Promise<{ ended: boolean; stdout: string[] }> {
  const child = spawn(process.execPath, [program, 'batch', pack, folder, '--json', ...flags], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let stdout = ''
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()))
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter)
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  clearTimeout(timer)
  // Every picture is good: a run that fails by itself would leave two folders alike that hold nothing.
  if (code !== null && code !== 0) throw new Error(`pictalk batch ended with ${code}`)
  return { ended: code !== null, stdout: stdout.split('\n') }
}

function differences(one: string, other: string): string[] {
  const [these, those] = [filesIn(one), filesIn(other)]
  const names = new Set([...these, ...those])
  return [...names].filter(
    (name) =>
      !these.includes(name) ||
      !those.includes(name) ||
      !readFileSync(join(one, name)).equals(readFileSync(join(other, name))),
  )
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  )
}
