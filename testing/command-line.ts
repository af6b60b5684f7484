/** The command line as a program of its own, for tests of what it prints and how it ends. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { FEW_RECOMPILES } from './browser.ts'

export interface Outcome {
  status: number
  stdout: string
  stderr: string
}

export interface CommandLine {
  /** Calls it as `pictalk <args>` and waits for its end. */
  run(...args: string[]): Promise<Outcome>
  /** The file, to start a process of Node of one's own with. */
  program: string
  /** The same with the flags that `run` has for Node; arguments go behind it. */
  command: string[]
  remove(): void
}

/**
 * One file of JavaScript: a process that compiles TypeScript first would spend most of its time with that. Packages stay
 * outside and are found from where it lies.
 */
export async function bundleCommandLine(): Promise<CommandLine> {
  const cache = 'node_modules/.cache'
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'pictalk-'))
  const program = join(folder, 'pictalk.mjs')
  const command = [FEW_RECOMPILES, program]
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  await bundleForNode('src/cli/main.ts', program)
  // Looked for beside the program under its own name.
  await bundleForNode('src/cli/talk.worker.ts', join(folder, 'talk.worker.ts'))
  return {
    program,
    command,
    run: (...args) =>
      new Promise((resolve) => {
        execFile(process.execPath, [...command, ...args], { encoding: 'utf8' }, (error, stdout, stderr) => {
          const status = typeof error?.code === 'number' ? error.code : error === null ? 0 : 1
          resolve({ status, stdout, stderr })
        })
      }),
    remove: () => rmSync(folder, { recursive: true }),
  }
}

/** What `entry` imports and is ours, in one file that Node runs. */
export function bundleForNode(entry: string, outfile: string): Promise<unknown> {
  return build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  })
}
